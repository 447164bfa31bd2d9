"""What all optimizers share: groups of parameters, and state that moves with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any, ClassVar, TypeVar

from barehand import _barehand
from barehand._barehand import Tensor
from barehand.autograd import enable_grad

_zero_grads = _barehand._state.zero_grads
_T = TypeVar("_T")

#: Options of PyTorch's groups that choose an implementation, not a rule.
_IMPLEMENTATION = ("foreach", "fused", "capturable", "differentiable")


class Optimizer:
    """A rule that moves parameters along their gradients.

    `params` lists tensors, or dicts with a list under "params" and options of their own. `param_groups` holds every group's
    options, which may be changed at any time; the next step follows them. Parameters without a gradient stay.

    A subclass with a rule of its own, written in Python, defines `step`, and keeps what it remembers in `self.state[param]`.
    """

    #: The name of the library's update rule, where the subclass has none of its own.
    _rule_name: ClassVar[str | None] = None

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                f"params argument given to the optimizer should be an iterable of Tensors or dicts, but got {type(params)}"
            )
        self.defaults = defaults
        self._rule = self._new_rule()
        self._own_state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _new_rule(self) -> Any:
        return None if self._rule_name is None else _barehand._optim.Rule(self._rule_name, self.defaults)

    def _params(self) -> list[Tensor]:
        return [param for group in self.param_groups for param in group["params"]]

    def _states(self) -> list[dict[str, Any]]:
        """What is remembered of each parameter."""
        params = self._params()
        if self._rule is not None:
            return self._rule.state(params)
        return [self._own_state.get(param, {}) for param in params]

    def _load_states(self, states: list[tuple[Tensor, dict[str, Any]]]) -> None:
        if self._rule is not None:
            self._rule.load_state(states)
        else:
            self._own_state.clear()
            self._own_state.update(states)

    def _check(self, group: dict[str, Any]) -> None:
        if self._rule is not None:
            self._rule.check(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds parameters, with the default options where the group names no others."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        group = dict(param_group)
        given = group["params"]
        params = [given] if isinstance(given, Tensor) else list(given)
        # Named parameters, as `named_parameters` gives them.
        if params and all(isinstance(param, tuple) for param in params):
            group["param_names"] = [name for name, _ in params]
            params = [param for _, param in params]
        for param in params:
            if not isinstance(param, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(param).__name__}")
            if not param.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor")
        held = {id(param) for other in self.param_groups for param in other["params"]}
        if len({id(param) for param in params}) != len(params):
            raise ValueError("some parameters appear more than once in a parameter group")
        if any(id(param) in held for param in params):
            raise ValueError("some parameters appear in more than one parameter group")
        group["params"] = params
        for name, default in self.defaults.items():
            group.setdefault(name, default)
        self._check(group)
        self.param_groups.append(group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets every gradient, or sets it to 0."""
        for group in self.param_groups:
            _zero_grads(group["params"], set_to_none)

    def step(self, closure: Callable[[], _T] | None = None) -> _T | None:
        """Moves every parameter that has a gradient; `closure`, where given, computes the loss first, which is returned."""
        if self._rule is None:
            raise NotImplementedError(f"{type(self).__name__} does not define step")
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        self._rule.step(self.param_groups)
        return loss

    @property
    def state(self) -> dict[Tensor, dict[str, Any]]:
        """What is remembered of each parameter; of the library's rules a copy."""
        if self._rule is None:
            return self._own_state
        return {param: state for param, state in zip(self._params(), self._states(), strict=True) if state}

    def state_dict(self) -> dict[str, Any]:
        """Everything remembered, in PyTorch's form.

        `{"state": {0: {...}, ...}, "param_groups": [{"lr": ..., "params": [0, ...]}]}`: parameters are numbered in the order
        of the groups.
        """
        state = {i: state for i, state in enumerate(self._states()) if state}
        groups = []
        start = 0
        for group in self.param_groups:
            count = len(group["params"])
            packed = {name: value for name, value in group.items() if name != "params"}
            groups.append({**packed, "params": list(range(start, start + count))})
            start += count
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continues from what `state_dict` returned, here or in PyTorch."""
        saved = state_dict["param_groups"]
        if len(saved) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(old["params"]) != len(new["params"]) for old, new in zip(self.param_groups, saved, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        groups = []
        states = []
        for old, new in zip(self.param_groups, saved, strict=True):
            options = {name: deepcopy(value) for name, value in new.items() if name != "params"}
            for name in _IMPLEMENTATION:
                if name not in old and options.pop(name, None) and name in ("capturable", "differentiable"):
                    raise ValueError(f"the loaded state asks for {name}=True, which this optimizer does not know")
            group = {**self.defaults, **options, "params": old["params"]}
            self._check(group)
            groups.append(group)
            for param, number in zip(old["params"], new["params"], strict=True):
                if number in state_dict["state"]:
                    states.append((param, dict(state_dict["state"][number])))
        self._load_states(states)
        self.param_groups[:] = groups

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            text += "".join(f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params")
        return text + ")"

    def __getstate__(self) -> dict[str, Any]:
        held = {name: value for name, value in self.__dict__.items() if name not in ("_rule", "_own_state")}
        return {**held, "_states": list(zip(self._params(), self._states(), strict=True))}

    def __setstate__(self, held: dict[str, Any]) -> None:
        held = dict(held)
        states = held.pop("_states")
        self.__dict__.update(held)
        self._rule = self._new_rule()
        self._own_state = defaultdict(dict)
        self._load_states(states)
