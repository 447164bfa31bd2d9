//! Texts of the user on their way into the page: none may become markup or code.

use std::borrow::Cow;

use serde::Serialize;

/// `text` for an element's content or a double-quoted attribute.
pub(crate) fn html(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'', '\0']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // HTML has no way to write it; parsers replace it, so do we.
            '\0' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

/// `value` as JSON that can stand inside a `<script>` element: no `</script>` or `<!--` can end or open anything.
///
/// NaN and infinity become `null`.
pub(crate) fn json(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).expect("plain numbers, texts and lists are JSON");
    // Outside strings JSON holds none of these letters, so that the escapes stay inside strings.
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}
