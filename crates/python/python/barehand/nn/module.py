"""`Module`: what every layer and every model is.

Everything a module holds is an ordinary attribute; three registries remember which names are parameters, buffers and
submodules, in the order in which they were assigned.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from barehand import _barehand
from barehand._barehand import Tensor
from barehand.nn.parameter import Parameter

_state = _barehand._state
_Self = TypeVar("_Self", bound="Module")


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict(strict=False)` passed over."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not any(self):
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class RemovableHandle:
    """Takes a hook out again."""

    _next = itertools.count()

    def __init__(self, hooks: dict[int, Any]) -> None:
        self.id = next(RemovableHandle._next)
        self._hooks = hooks

    def remove(self) -> None:
        """Takes the hook out; doing so twice does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class Module:
    """A computation with parameters, buffers and submodules, each registered by assigning it to an attribute.

    >>> class Net(bh.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.hidden = bh.nn.Linear(2, 8)
    ...         self.output = bh.nn.Linear(8, 1)
    ...     def forward(self, x):
    ...         return self.output(bh.nn.functional.relu(self.hidden(x)))
    >>> Net()(bh.zeros(4, 2)).shape
    (4, 1)
    >>> [name for name, _ in Net().named_parameters()]
    ['hidden.weight', 'hidden.bias', 'output.weight', 'output.bias']
    """

    training: bool
    _parameter_names: dict[str, None]
    #: Whether each buffer is part of the state dict.
    _buffer_names: dict[str, bool]
    _module_names: dict[str, None]

    def __init__(self) -> None:
        self.__dict__.update(
            training=True,
            _parameter_names={},
            _buffer_names={},
            _module_names={},
            _forward_pre_hooks={},
            _forward_hooks={},
        )

    # The computation.

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes: every subclass says."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._forward_hooks or self._forward_pre_hooks:
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for hook, with_kwargs in list(self._forward_pre_hooks.values()):
            changed = hook(self, args, kwargs) if with_kwargs else hook(self, args)
            if changed is None:
                continue
            if with_kwargs:
                args, kwargs = changed
            else:
                args = changed if isinstance(changed, tuple) else (changed,)
        result = self.forward(*args, **kwargs)
        for hook, with_kwargs in list(self._forward_hooks.values()):
            changed = hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
            if changed is not None:
                result = changed
        return result

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Calls `hook(module, args)` before each forward; what it returns, unless None, replaces the arguments.

        With `with_kwargs` it is `hook(module, args, kwargs)`, which returns both.
        """
        return _hooked(self._forward_pre_hooks, hook, prepend, with_kwargs)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Calls `hook(module, args, output)` after each forward; what it returns, unless None, replaces the output.

        With `with_kwargs` it is `hook(module, args, kwargs, output)`.
        """
        return _hooked(self._forward_hooks, hook, prepend, with_kwargs)

    # Registration.

    def __setattr__(self, name: str, value: Any) -> None:
        held = self.__dict__
        if isinstance(value, Parameter):
            self._register(name, "_parameter_names", None)
            held[name] = value
        elif isinstance(value, Module):
            self._register(name, "_module_names", None)
            held[name] = value
        elif name in held.get("_parameter_names", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{type(value).__name__}' as parameter '{name}' (barehand.nn.Parameter or None expected)"
                )
            held[name] = None
        elif name in held.get("_module_names", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{type(value).__name__}' as child module '{name}' (barehand.nn.Module or None expected)"
                )
            held[name] = None
        elif name in held.get("_buffer_names", ()):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign '{type(value).__name__}' as buffer '{name}' (barehand.Tensor or None expected)"
                )
            held[name] = value
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        for registry in (self._parameter_names, self._buffer_names, self._module_names):
            registry.pop(name, None)

    def _register(self, name: str, registry: str, entry: Any) -> None:
        """Moves a name to one registry."""
        if registry not in self.__dict__:
            kind = {"_module_names": "module", "_buffer_names": "buffer"}.get(registry, "parameters")
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        for other in ("_parameter_names", "_buffer_names", "_module_names"):
            if other != registry:
                self.__dict__[other].pop(name, None)
        self.__dict__[registry][name] = entry

    def _check_name(self, name: str, kind: str, registry: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in self.__dict__.get(registry, ()):
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Adds a parameter; None keeps the name for a parameter that this module does without."""
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type(param).__name__}' object to parameter '{name}' (barehand.nn.Parameter or None required)"
            )
        self._check_name(name, "parameter", "_parameter_names")
        self._register(name, "_parameter_names", None)
        self.__dict__[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Adds a tensor that belongs to the module and is not trained; a persistent one is part of the state dict."""
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (barehand.Tensor or None required)"
            )
        self._check_name(name, "buffer", "_buffer_names")
        self._register(name, "_buffer_names", persistent)
        self.__dict__[name] = tensor

    def add_module(self, name: str, module: Module | None) -> None:
        """Adds a submodule."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name(name, "module", "_module_names")
        self._register(name, "_module_names", None)
        self.__dict__[name] = module

    register_module = add_module

    @property
    def _parameters(self) -> Mapping[str, Parameter | None]:
        return MappingProxyType({name: self.__dict__[name] for name in self._parameter_names})

    @property
    def _buffers(self) -> Mapping[str, Tensor | None]:
        return MappingProxyType({name: self.__dict__[name] for name in self._buffer_names})

    @property
    def _modules(self) -> Mapping[str, Module | None]:
        return MappingProxyType({name: self.__dict__[name] for name in self._module_names})

    # What is held.

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The direct submodules with their names, each once."""
        seen: set[int] = set()
        for name in self._module_names:
            module = self.__dict__[name]
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """The direct submodules, each once."""
        return (module for _, module in self.named_children())

    def named_modules(
        self, memo: set[int] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and every one below, with their paths."""
        memo = set() if memo is None else memo
        if remove_duplicate:
            if id(self) in memo:
                return
            memo.add(id(self))
        yield prefix, self
        for name in self._module_names:
            module = self.__dict__[name]
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and every one below, each once."""
        return (module for _, module in self.named_modules())

    def _named_tensors(
        self, registry: str, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        modules = self.named_modules(None, prefix, remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name in module.__dict__[registry]:
                tensor = module.__dict__[name]
                if tensor is None or id(tensor) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(tensor))
                yield f"{path}.{name}" if path else name, tensor

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Every parameter with its path; one that is held in two places is named once."""
        return self._named_tensors("_parameter_names", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Every parameter, each once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Every buffer with its path."""
        return self._named_tensors("_buffer_names", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Every buffer, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module at a path such as `layers.0`; the empty path is this module."""
        module: Module = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not a Module")
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path such as `layers.0.weight`."""
        return self._get_tensor(target, "_parameter_names", "a Parameter")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a path."""
        return self._get_tensor(target, "_buffer_names", "a buffer")

    def _get_tensor(self, target: str, registry: str, kind: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        if name not in module.__dict__[registry]:
            raise AttributeError(f"`{name}` is not {kind}")
        return getattr(module, name)

    # The state.

    def state_dict(self, *, prefix: str = "", keep_vars: bool = False) -> dict[str, Tensor]:
        """Every parameter and persistent buffer under its path, off the tape.

        The tensors are other names for the module's own, so they follow it: `copy.deepcopy` keeps them as they are.
        `keep_vars` gives the parameters themselves.
        """
        state: dict[str, Tensor] = {}
        for name, tensor in self._state_tensors(prefix):
            state[name] = tensor if keep_vars else tensor.data
        return state

    def _state_tensors(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        held = self.__dict__
        persistent = (name for name, persistent in self._buffer_names.items() if persistent)
        for name in itertools.chain(self._parameter_names, persistent):
            if held[name] is not None:
                yield prefix + name, held[name]
        for name in self._module_names:
            if held[name] is not None:
                yield from held[name]._state_tensors(f"{prefix}{name}.")

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Copies values into parameters and buffers by their paths; the objects stay, and nothing is copied on an error.

        Values are tensors of barehand or PyTorch, or arrays; each is converted to its parameter's type. With
        `strict=False` missing and unexpected names are only returned; a wrong shape is always an error.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        expected = dict(self._state_tensors())
        missing = [name for name in expected if name not in state_dict]
        unexpected = [name for name in state_dict if name not in expected]
        wrong: list[str] = []
        if strict and unexpected:
            names = ", ".join(f'"{name}"' for name in unexpected)
            wrong.append(f"Unexpected key(s) in state_dict: {names}. ")
        if strict and missing:
            names = ", ".join(f'"{name}"' for name in missing)
            wrong.append(f"Missing key(s) in state_dict: {names}. ")
        values: list[tuple[Tensor, Tensor]] = []
        for name, held in expected.items():
            if name not in state_dict:
                continue
            given = state_dict[name]
            if getattr(given, "requires_grad", False):
                given = given.detach()
            try:
                value = _state.copied(given, held.dtype)
            except (TypeError, ValueError) as error:
                wrong.append(f'While copying the parameter named "{name}": {error}')
                continue
            if value.shape != held.shape:
                wrong.append(
                    f"size mismatch for {name}: copying a param with shape {value.shape} from checkpoint, "
                    f"the shape in current model is {held.shape}."
                )
                continue
            values.append((held, value))
        if wrong:
            listed = "\n\t".join(wrong)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{listed}")
        for held, value in values:
            _state.copy_into(held, value)
        return IncompatibleKeys(missing, unexpected)

    # Changes to everything held.

    def train(self: _Self, mode: bool = True) -> _Self:
        """Switches this module and all below to training (dropout drops, batch norm uses the batch) or evaluation."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.__dict__["training"] = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self: _Self) -> _Self:
        """Switches this module and all below to evaluation."""
        return self.train(False)

    def requires_grad_(self: _Self, requires_grad: bool = True) -> _Self:
        """Trains every parameter, or freezes it."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets every gradient, or sets it to 0."""
        _state.zero_grads(list(self.parameters()), set_to_none)

    def apply(self: _Self, fn: Callable[[Module], Any]) -> _Self:
        """Calls `fn` on every module below, then on this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def to(self: _Self, *args: Any, **kwargs: Any) -> _Self:
        """Converts parameters and buffers of floating point in place: `to(dtype)`, `to(device)`, `to(tensor)`."""
        # A tensor's own `to` knows what its arguments mean.
        dtype = _barehand.zeros(0, dtype=_NO_DTYPE).to(*args, **kwargs).dtype
        if dtype is _NO_DTYPE:
            return self
        if not dtype.is_floating_point:
            raise TypeError(f"nn.Module.to only accepts floating point dtypes, but got desired dtype={dtype}")
        for tensor in itertools.chain(self.parameters(), self.buffers()):
            if tensor.is_floating_point():
                _state.convert(tensor, dtype)
        return self

    def float(self: _Self) -> _Self:
        """Converts to float32 in place."""
        return self.to(_barehand.float32)

    def double(self: _Self) -> _Self:
        """Converts to float64 in place."""
        return self.to(_barehand.float64)

    def cpu(self: _Self) -> _Self:
        """This module: everything is on the CPU."""
        return self

    # How it is shown.

    def extra_repr(self) -> str:
        """What stands between the brackets."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        modules = [f"({name}): " + repr(self.__dict__[name]).replace("\n", "\n  ") for name in self._module_names]
        if not modules and len(lines) <= 1:
            return f"{self._get_name()}({extra})"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines + modules) + "\n)"

    def __dir__(self) -> Iterable[str]:
        # Names such as "0" cannot be written after a dot.
        return sorted(name for name in object.__dir__(self) if not name[0].isdigit())


#: The type of a tensor that no conversion of floats leaves as it is.
_NO_DTYPE = _barehand.uint8


def _hooked(hooks: dict[int, Any], hook: Callable[..., Any], prepend: bool, with_kwargs: bool) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    later = dict(hooks) if prepend else {}
    if prepend:
        hooks.clear()
    hooks[handle.id] = (hook, with_kwargs)
    hooks.update(later)
    return handle
