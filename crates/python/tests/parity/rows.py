"""The four kinds of row: an operator, a layer, an optimizer, a schedule; and how each is called in either library."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from types import ModuleType
from typing import Any

import numpy as np
from hypothesis import strategies as st

from parity.arguments import Argument, Option, Sizes, inputs, shapes
from parity.case import Case

Results = dict[str, np.ndarray]

# What PyTorch raises at a call that it does not take; a drawn case like that is no case. Anything else is a wrong row.
REFUSALS = (RuntimeError, ValueError, IndexError)


def numpy(value: Any) -> np.ndarray:
    """A tensor of either library, or a number, as an array."""
    return np.array(value.detach().numpy()) if hasattr(value, "detach") else np.asarray(value)


def tensor(lib: ModuleType, array: np.ndarray, *, leaf: bool = False) -> Any:
    """A tensor with a copy of the array; a leaf collects its gradient."""
    x = lib.from_numpy(np.array(array))
    return x.requires_grad_() if leaf else x


def flat(value: Any) -> list[Any]:
    """The tensors and numbers of a result, which may be a tuple, a list or a dict of them."""
    if isinstance(value, dict):
        return flat(list(value.values()))
    return [item for part in value for item in flat(part)] if isinstance(value, tuple | list) else [value]


def reference(name: str, formula: Callable[..., Any]) -> Callable[..., Any]:
    """For what only one of the libraries has in `nn.functional`: that function, and for the other `formula(lib, ...)`."""

    def call(lib: ModuleType, *arguments: Any, **options: Any) -> Any:
        function = getattr(lib.nn.functional, name, None)
        return formula(lib, *arguments, **options) if function is None else function(*arguments, **options)

    return call


class Row:
    """A line of the table: how something is called, and what hypothesis may call it with."""

    def __init__(
        self,
        name: str,
        *arguments: Argument,
        call: Callable[..., Any] | None = None,
        elementwise: bool = False,
        magnifies: float = 1.0,
        **options: Any,
    ) -> None:
        """The name is the path below the library, with words of its own in brackets where a path has several rows.

        `call(lib, *tensors, **options)` says how it is called if not simply by that path. `magnifies` is the factor by
        which the formula makes rounding errors of f32 larger; the line says why. Each option is an `Option`.
        """
        self.name = name
        self.arguments = arguments
        self.elementwise = elementwise
        self.magnifies = magnifies
        self.options: dict[str, Option] = options
        self.custom = call is not None
        self.call = call or self.by_path

    def __repr__(self) -> str:
        return self.name

    @property
    def path(self) -> str:
        """The name without what is in brackets."""
        return self.name.split(" [")[0]

    def by_path(self, lib: ModuleType, *arguments: Any, **options: Any) -> Any:
        """Calls what stands at the row's path."""
        function: Any = reduce(getattr, self.path.split("."), lib)
        return function(*arguments, **options)

    def cases(self) -> st.SearchStrategy[Case]:
        """Every case that the row describes."""

        @st.composite
        def cases(draw: st.DrawFn) -> Case:
            sizes: Sizes = draw(shapes(self.arguments, letters_of(self.options)))
            drawn = tuple(draw(inputs(a, shape)) for a, shape in zip(self.arguments, sizes.shapes, strict=True))
            chosen = {key: draw(option(sizes) if callable(option) else option) for key, option in self.options.items()}
            return Case(self.name, drawn, sizes.letters, chosen, draw(st.integers(0, 2**31 - 1)))

        return cases()

    def run(self, lib: ModuleType, case: Case, precision: str) -> Results:
        """Everything that is compared, by name."""
        raise NotImplementedError

    def memory(self, case: Case) -> list[np.ndarray]:
        """The values of each argument in memory."""
        numbered = enumerate(zip(self.arguments, case.inputs, strict=True))
        return [a.leaf(drawn.base, case.letters, case.random(f"input {i}")) for i, (a, drawn) in numbered]

    def leaves(self, lib: ModuleType, case: Case, precision: str) -> tuple[list[Any], list[Any]]:
        """The leaves, which hold what is in memory, and what the call is given of them."""
        leaves, given = [], []
        for argument, drawn, array in zip(self.arguments, case.inputs, self.memory(case), strict=True):
            if argument.floating:
                array = array.astype(precision)
            leaf = tensor(lib, array, leaf=argument.floating and argument.differentiable)
            front = argument.floating and not argument.points
            leaves.append(leaf)
            given.append(drawn.view(leaf * argument.scale + argument.shift if front else leaf))
        return leaves, given

    def backward(self, lib: ModuleType, case: Case, outputs: list[Any]) -> bool:
        """Gradients for a cotangent of which no two elements are alike; false if no output has any."""
        random = case.random("cotangent")
        loss = None
        for output in outputs:
            if getattr(output, "requires_grad", False):
                values = numpy(output)
                cotangent = (random.randint(-1024, 1025, values.shape) / 1024).astype(values.dtype)
                part = (output * tensor(lib, cotangent)).sum()
                loss = part if loss is None else loss + part
        if loss is not None:
            loss.backward()
        return loss is not None

    def gradients(self, leaves: list[Any]) -> Results:
        """The gradients of the leaves that got one."""
        return {f"gradient {i}": numpy(x.grad) for i, x in enumerate(leaves) if x.grad is not None}


def letters_of(options: dict[str, Option]) -> str:
    """The letters that only options name: those that `size` and `shape_of` were asked for."""
    return "".join(getattr(option, "letters", "") for option in options.values())


class Operator(Row):
    """A function of tensors, or a method: its values, and the gradient of every floating input."""

    def run(self, lib: ModuleType, case: Case, precision: str) -> Results:
        leaves, given = self.leaves(lib, case, precision)
        options = {k: getattr(lib, v) if k == "dtype" else v for k, v in case.options.items()}
        outputs = flat(self.call(lib, *given, **options))
        results = {f"output {i}": numpy(output) for i, output in enumerate(outputs)}
        self.backward(lib, case, outputs)
        return results | self.gradients(leaves)


class Layer(Row):
    """A module: with given parameters, in training and in evaluation, and what training left in its buffers."""

    def run(self, lib: ModuleType, case: Case, precision: str) -> Results:
        layer = self.call(lib, **case.options)
        layer.to(getattr(lib, precision))
        layer.load_state_dict(self.state(lib, layer, case, precision))
        leaves, given = self.leaves(lib, case, precision)
        results: Results = {}
        layer.train()
        outputs = flat(layer(*given))
        results |= {f"output {i}": numpy(output) for i, output in enumerate(outputs)}
        self.backward(lib, case, outputs)
        results |= self.gradients(leaves)
        results |= {f"gradient {name}": numpy(p.grad) for name, p in layer.named_parameters() if p.grad is not None}
        results |= {f"state {name}": numpy(value) for name, value in layer.state_dict().items()}
        layer.eval()
        return results | {f"evaluated {i}": numpy(output) for i, output in enumerate(flat(layer(*given)))}

    def state(self, lib: ModuleType, layer: Any, case: Case, precision: str) -> dict[str, Any]:
        """Values for every parameter and buffer; a variance is positive, a counter stays."""
        random = case.random("state")
        state = {}
        for name, old in sorted(layer.state_dict().items()):
            array = numpy(old)
            if array.dtype.kind == "f":
                array = random.randint(-1024, 1025, array.shape) / 1024 + 2.0 * name.endswith("running_var")
                array = np.asarray(array, precision)
            state[name] = tensor(lib, array)
        return state


class Optimizer(Row):
    """Six steps with recorded gradients: zeros, tiny and huge ones, and a parameter that has none at every other step.

    `second_lr`, if it is not None, puts the last parameters into a group of their own with that rate; `resumed` goes on
    half-way with a fresh optimizer that was given the state of the first.
    """

    shapes = ((3, 4), (5,), ())
    steps = 6

    def run(self, lib: ModuleType, case: Case, precision: str) -> Results:
        # The type in which PyTorch keeps the numbers that NAdam and ASGD remember.
        before = lib.get_default_dtype()
        lib.set_default_dtype(getattr(lib, precision))
        try:
            return self.steps_of(lib, case, precision)
        finally:
            lib.set_default_dtype(before)

    def steps_of(self, lib: ModuleType, case: Case, precision: str) -> Results:
        """The parameters after each step."""
        options = dict(case.options)
        second_lr, resumed = options.pop("second_lr"), options.pop("resumed")
        random = case.random("parameters and gradients")
        start = [(random.randint(-2048, 2049, shape) / 1024).astype(precision) for shape in self.shapes]
        parameters = [lib.nn.Parameter(tensor(lib, value)) for value in start]

        def build() -> Any:
            groups = [{"params": parameters[:1]}, {"params": parameters[1:], "lr": second_lr}]
            return self.call(lib, parameters if second_lr is None else groups, **options)

        optimizer = build()
        results: Results = {}
        for step in range(self.steps):
            if resumed and step == self.steps // 2:
                saved = optimizer.state_dict()
                optimizer = build()
                optimizer.load_state_dict(saved)
            optimizer.zero_grad()
            for i, parameter in enumerate(parameters):
                gradient = self.gradient(random, self.shapes[i]).astype(precision)
                if i != 1 or step % 2 == 0:
                    (parameter * tensor(lib, gradient)).sum().backward()
            optimizer.step()
            results |= {f"parameter {i} after step {step + 1}": numpy(p) for i, p in enumerate(parameters)}
        return results

    @staticmethod
    def gradient(random: np.random.RandomState, shape: tuple[int, ...]) -> np.ndarray:
        """A gradient of which some elements are zero, tiny or huge."""
        sizes = np.array([1.0, 1.0, 1.0, 0.0, 2.0**-20, 2.0**10])
        return np.asarray(random.randint(-1024, 1025, shape) / 1024 * random.choice(sizes, shape))


class Minimizer(Optimizer):
    """Three steps of an optimizer that is given a closure, on a bowl; `resumed` as for the others."""

    steps = 3

    def steps_of(self, lib: ModuleType, case: Case, precision: str) -> Results:
        options = dict(case.options)
        resumed = options.pop("resumed")
        random = case.random("parameters and bowl")
        start = [(random.randint(-2048, 2049, shape) / 1024).astype(precision) for shape in self.shapes]
        widths = [tensor(lib, (random.randint(256, 2049, shape) / 1024).astype(precision)) for shape in self.shapes]
        parameters = [lib.nn.Parameter(tensor(lib, value)) for value in start]
        sign = -1.0 if options["maximize"] else 1.0
        optimizer = self.call(lib, parameters, **options)
        results: Results = {}

        def closure() -> Any:
            optimizer.zero_grad()
            loss = sum((width * x * x + x**4 / 8).sum() for width, x in zip(widths, parameters, strict=True)) * sign
            loss.backward()
            return loss

        for step in range(self.steps):
            if resumed and step == 1:
                saved = optimizer.state_dict()
                optimizer = self.call(lib, parameters, **options)
                optimizer.load_state_dict(saved)
            results[f"loss {step + 1}"] = numpy(optimizer.step(closure))
            results |= {f"parameter {i} after step {step + 1}": numpy(p) for i, p in enumerate(parameters)}
        return results


class Schedule(Row):
    """The rates and momenta of thirty steps, for two groups of parameters."""

    steps = 30

    def run(self, lib: ModuleType, case: Case, precision: str) -> Results:
        options = dict(case.options)
        kind, metric = options.pop("optimizer", "SGD"), options.pop("metric", False)
        parameters = [lib.nn.Parameter(tensor(lib, np.ones(2, precision))) for _ in range(2)]
        groups = [{"params": parameters[:1]}, {"params": parameters[1:], "lr": 0.02}]
        momentum = {"momentum": 0.9} if kind == "SGD" else {}
        optimizer = getattr(lib.optim, kind)(groups, lr=0.1, **momentum)
        scheduler = self.call(lib, optimizer, **options)
        metrics = case.random("metrics").randint(0, 1024, self.steps) / 1024
        rates, momenta, last = [], [], []
        for step in range(min(self.steps, options.get("total_steps", self.steps))):
            rates.append([float(group["lr"]) for group in optimizer.param_groups])
            momenta.append([float(g["momentum"] if "momentum" in g else g["betas"][0]) for g in optimizer.param_groups])
            last.append([float(rate) for rate in scheduler.get_last_lr()])
            optimizer.step()
            if step + 1 < options.get("total_steps", self.steps):
                scheduler.step(*([1.0 / (1 + step) + float(metrics[step]) / 4] if metric else []))
        return {"rates": np.array(rates), "momenta": np.array(momenta), "get_last_lr": np.array(last)}
