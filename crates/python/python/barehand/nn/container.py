"""Modules that hold others: in sequence, in a list, by name."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, overload

from barehand._barehand import Tensor
from barehand.nn.module import Module
from barehand.nn.parameter import Parameter


def _position(index: Any, length: int) -> int:
    """An index from the start, for one that may count from the end."""
    at = operator.index(index)
    if not -length <= at < length:
        raise IndexError(f"index {at} is out of range")
    return at % length


class _Numbered(Module):
    """Modules under the names "0", "1", ..."""

    def _renumber(self, modules: Iterable[Module]) -> None:
        for name in list(self._module_names):
            delattr(self, name)
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def _names(self) -> list[str]:
        return list(self._module_names)

    def __len__(self) -> int:
        return len(self._module_names)

    def __iter__(self) -> Iterator[Module]:
        return iter([self.__dict__[name] for name in self._module_names])

    def __contains__(self, module: object) -> bool:
        return any(held is module for held in self)

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._names()[_position(index, len(self))], module)

    def __delitem__(self, index: int | slice) -> None:
        modules = list(self)
        if isinstance(index, slice):
            del modules[index]
        else:
            del modules[_position(index, len(self))]
        self._renumber(modules)

    def pop(self, index: int = -1) -> Module:
        """Takes a module out."""
        module = list(self)[_position(index, len(self))]
        del self[index]
        return module

    def insert(self, index: int, module: Module) -> Any:
        """Puts a module before another one."""
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def append(self, module: Module) -> Any:
        """Adds a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Any:
        """Adds modules at the end."""
        for module in list(modules):
            self.append(module)
        return self


class Sequential(_Numbered):
    """One module after another, given one by one or as a dict of names.

    >>> model = bh.nn.Sequential(bh.nn.Linear(4, 8), bh.nn.ReLU(), bh.nn.Linear(8, 2))
    >>> model(bh.zeros(3, 4)).shape
    (3, 2)
    >>> model[:2]
    Sequential(
      (0): Linear(in_features=4, out_features=8, bias=True)
      (1): ReLU()
    )
    """

    @overload
    def __init__(self, *args: Module) -> None: ...
    @overload
    def __init__(self, arg: Mapping[str, Module]) -> None: ...
    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], Mapping):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(args):
                self.add_module(str(i), module)

    def forward(self, input: Any) -> Any:
        held = self.__dict__
        for name in self._module_names:
            input = held[name](input)
        return input

    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    @overload
    def __getitem__(self, index: int) -> Module: ...
    def __getitem__(self, index: Any) -> Any:
        names = self._names()
        if isinstance(index, slice):
            return type(self)({name: self.__dict__[name] for name in names[index]})
        return self.__dict__[names[_position(index, len(names))]]

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            return NotImplemented
        return Sequential(*self, *other)


class ModuleList(_Numbered):
    """A list of modules, each registered.

    >>> layers = bh.nn.ModuleList(bh.nn.Linear(4, 4) for _ in range(3))
    >>> len(layers), len(list(layers.parameters()))
    (3, 6)
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    @overload
    def __getitem__(self, index: slice) -> ModuleList: ...
    @overload
    def __getitem__(self, index: int) -> Module: ...
    def __getitem__(self, index: Any) -> Any:
        modules = list(self)
        if isinstance(index, slice):
            return type(self)(modules[index])
        return modules[_position(index, len(modules))]

    def __repr__(self) -> str:
        lines = []
        start = 0
        # Modules that look the same are shown once.
        for text, same in itertools.groupby(repr(module) for module in self):
            count = len(list(same))
            shown = text.replace("\n", "\n  ")
            lines.append(f"({start}): {shown}" if count == 1 else f"({start}-{start + count - 1}): {count} x {shown}")
            start += count
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)" if lines else f"{self._get_name()}()"

    def __iadd__(self, modules: Iterable[Module]) -> ModuleList:
        return self.extend(modules)

    def __add__(self, modules: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *modules])


class ModuleDict(Module):
    """Modules by name, each registered, in the order in which they were added."""

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        if key not in self._module_names:
            raise KeyError(key)
        return self.__dict__[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        self[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._module_names)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._module_names))

    def __contains__(self, key: object) -> bool:
        return key in self._module_names

    def keys(self) -> list[str]:
        """The names."""
        return list(self)

    def values(self) -> list[Module]:
        """The modules."""
        return [self[key] for key in self]

    def items(self) -> list[tuple[str, Module]]:
        """Names and modules."""
        return [(key, self[key]) for key in self]

    def pop(self, key: str) -> Module:
        """Takes a module out."""
        module = self[key]
        del self[key]
        return module

    def clear(self) -> None:
        """Takes every module out."""
        for key in self:
            del self[key]

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Adds modules, or puts them in the place of others."""
        pairs = modules.items() if isinstance(modules, (Mapping, ModuleDict)) else modules
        for key, module in pairs:
            self[key] = module


class ParameterList(Module):
    """A list of parameters, each registered; tensors become parameters."""

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        if values is not None:
            self.extend(values)

    def __len__(self) -> int:
        return len(self._parameter_names)

    def __iter__(self) -> Iterator[Parameter]:
        return iter([self.__dict__[name] for name in self._parameter_names])

    def __getitem__(self, index: int | slice) -> Any:
        parameters = list(self)
        if isinstance(index, slice):
            return type(self)(parameters[index])
        return parameters[_position(index, len(parameters))]

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, str(_position(index, len(self))), _as_parameter(value))

    def append(self, value: Any) -> ParameterList:
        """Adds a parameter at the end."""
        setattr(self, str(len(self)), _as_parameter(value))
        return self

    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Adds parameters at the end."""
        for value in list(values):
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Any]) -> ParameterList:
        return self.extend(values)

    def extra_repr(self) -> str:
        return "\n".join(
            f"({i}): Parameter containing: [{parameter.dtype} of size {'x'.join(map(str, parameter.shape))}]"
            for i, parameter in enumerate(self)
        )


def _as_parameter(value: Any) -> Parameter:
    if isinstance(value, Parameter):
        return value
    if isinstance(value, Tensor):
        return Parameter(value)
    raise TypeError(f"a parameter or a tensor expected, not {type(value).__name__}")
