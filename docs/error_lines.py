"""Collects from the code each line that a user can meet, for the page that explains them."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MISTAKE, REJECTED, TROUBLE, REASON = "mistake", "rejected", "trouble", "reason"
KINDS = {
    "UserError": MISTAKE,
    "ArgumentTypeError": MISTAKE,
    "RejectedAsset": REJECTED,
    "CutShort": TROUBLE,
    "ValueError": REASON,
}
"""What the text of each exception is. A reason stands within other lines."""

MAX_VARIANTS = 12
"""Texts of one line that are told apart, where it is put together from several."""

MAX_DEPTH = 4
"""Steps back to where a text comes from."""


@dataclass(frozen=True, order=True)
class Line:
    """A line as the code has it; ``<name>`` stands for a value."""

    kind: str
    text: str

    @property
    def is_telling(self) -> bool:
        """Whether it has words of its own."""
        return is_telling(self.text)


def is_telling(text: str) -> bool:
    """Whether a text has two words besides its values."""
    return len(re.findall(r"[A-Za-z]{2,}", re.sub(r"<[^>]*>", "", text))) >= 2


def find_lines(path: Path) -> set[Line]:
    """All lines of a module that say more than what others put into them."""
    module = _Module(ast.parse(path.read_text()))
    found = set()
    for node, function in module.calls:
        kind = KINDS.get(ast.unparse(node.func).rpartition(".")[2])
        if kind and node.args:
            texts = module.find_texts(node.args[0], function, 0)
            found |= {Line(kind, " ".join(text.split())) for text in texts}
    return {line for line in found if line.is_telling}


class _Module:
    """The calls of a module, each with the function that it stands in."""

    def __init__(self, tree: ast.Module) -> None:
        self.calls: list[tuple[ast.Call, ast.AST]] = []
        self._functions: dict[str, ast.FunctionDef] = {}
        self._walk(tree, tree)

    def _walk(self, node: ast.AST, function: ast.AST) -> None:
        if isinstance(node, ast.FunctionDef):
            self._functions[node.name] = function = node
        if isinstance(node, ast.Call):
            self.calls.append((node, function))
        for child in ast.iter_child_nodes(node):
            self._walk(child, function)

    def find_texts(self, node: ast.expr, function: ast.AST, depth: int) -> list[str]:
        """The texts that an expression can give; what only the run knows is ``<name>``."""
        if isinstance(node, ast.Constant):
            return [str(node.value)]
        if isinstance(node, ast.FormattedValue):
            return self.find_texts(node.value, function, depth)
        parts = node.values if isinstance(node, ast.JoinedStr) else []
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            parts = [node.left, node.right]
        if parts:
            found = [self.find_texts(part, function, depth) for part in parts]
            texts = ("".join(chosen) for chosen in itertools.product(*found))
            return list(itertools.islice(texts, MAX_VARIANTS))
        if isinstance(node, ast.IfExp):
            both = (node.body, node.orelse)
            return [text for n in both for text in self.find_texts(n, function, depth)]
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "nearest_name":
            return ["<hint>"]
        sources = self._find_sources(node, function) if depth < MAX_DEPTH else ()
        texts = [t for n, f in sources for t in self.find_texts(n, f, depth + 1)]
        texts = [t for t in dict.fromkeys(texts) if not t or is_telling(t)]
        return texts[:MAX_VARIANTS] if any(texts) else [f"<{_name(node)}>"]

    def _find_sources(
        self, node: ast.expr, function: ast.AST
    ) -> Iterator[tuple[ast.expr, ast.AST]]:
        """Expressions that a variable, or a call within the module, takes its text from."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called = self._functions.get(node.func.id)
            for inner in ast.walk(called) if called else ():
                if isinstance(inner, ast.Return) and inner.value is not None:
                    yield inner.value, called
        if not isinstance(node, ast.Name):
            return
        for inner in ast.walk(function):
            if isinstance(inner, ast.Assign):
                pairs = ((target, inner.value) for target in inner.targets)
                yield from ((v, function) for pair in pairs for v in _match(*pair, node.id))
            elif isinstance(inner, ast.NamedExpr) and inner.target.id == node.id:
                yield inner.value, function
        if isinstance(function, ast.FunctionDef):
            yield from self._find_given(node.id, function)

    def _find_given(
        self, parameter: str, function: ast.FunctionDef
    ) -> Iterator[tuple[ast.expr, ast.AST]]:
        """What the calls within the module give a function for a parameter."""
        names = [a.arg for a in function.args.args if a.arg != "self"]
        for call, caller in self.calls:
            if ast.unparse(call.func).removeprefix("self.") == function.name:
                given = dict(zip(names, call.args, strict=False))
                given |= {k.arg: k.value for k in call.keywords if k.arg}
                if parameter in given:
                    yield given[parameter], caller


def _match(target: ast.expr, value: ast.expr, name: str) -> Iterator[ast.expr]:
    """What a name gets in an assignment, also in one of several names."""
    if isinstance(target, ast.Name) and target.id == name:
        yield value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for inner, given in zip(target.elts, value.elts, strict=False):
            yield from _match(inner, given, name)


def _name(node: ast.expr) -> str:
    """What a value is called in the code, in a word or two."""
    if isinstance(node, ast.Call):
        inner = [*node.args, *(k.value for k in node.keywords)]
        if not inner and isinstance(node.func, ast.Attribute):
            inner = [node.func.value]
        return _name(inner[0]) if inner else "..."
    if isinstance(node, (ast.Subscript, ast.Starred)):
        return _name(node.value)
    name = {ast.Attribute: "attr", ast.Name: "id"}.get(type(node))
    return getattr(node, name).strip("_").replace("_", " ").lower() if name else "..."


# --- what to do -----------------------------------------------------------------------------------

_VERBS = (
    *("add", "allow", "begin", "change", "choose", "create", "download", "fetch", "finish", "give"),
    *("increase", "install", "leave", "let", "lower", "make", "mend", "merge", "move", "name"),
    *("open", "pip install", "put", "remove", "rename", "render", "repeat", "restore", "run"),
    *("save", "set", "start", "try", "turn", "type", "unpack", "unset", "use", "vary", "wait"),
    *("widen", "write", "ask", "say", "hf", "apt-get"),
)
_REMEDY = re.compile(
    rf"(?:[;,:] |\b(?:or|and) )(?:\w+ )?(?:{'|'.join(_VERBS)})\b|\bmust\b|\bneeds\b|<hint>"
    r"|this renders|writes it|goes? (?:alone|with)|--overwrite|-m pip install"
)
"""How a line says what to do: a request, or a rule that the value has to keep."""

LOOK = "Look at the path: is it spelled right, and can this machine see the disk?"
ADVICE = {
    "<url>: <error>; s3://": "Give an address that begins with one of these.",
    "no such setting": "Look it up among the [settings](settings.md).",
    "that is too many": "Put some of the included files together.",
    "is no gin file": "Give a text file of lines such as `batch.seed = 3`.",
    "too many nested brackets": "Remove some of them; no setting needs more than a few.",
    "sample.class_idxs = <class idxs>: class <last>": "Give smaller class ids, or more names.",
    "<path>: cannot be read (<strerror>)": LOOK,
    "no environment in it": "Name the folder that holds such files, at any depth.",
    "no image in it": "Name the folder that holds such files, at any depth.",
    "there is no such folder": LOOK,
    "the last one of": "Give `I` from 0 to `N` - 1.",
    "all weights are 0": "Give at least one class a weight above 0.",
    "which design.levels names too": "Leave the factor out of one of them.",
    "can be held out": "Hold out fewer, or give the factors fewer levels.",
    "without training samples": "Hold out fewer combinations of that class.",
    "sample.class_idxs has <class list> classes": "Give at most as many levels.",
    "which is a part of it": "Leave one of the two out.",
    "design.levels: <name> = <value>: there are": "Give at most as many levels.",
    "a graph of causes has none": "Remove one of the arrows in `design.parents`.",
    "has no parents in design.parents": "Give it parents, or leave its table out.",
    "so twins would be equal": "Leave it out of `design.fixed` or of `design.twins`.",
    "so there is none to vary": "Set `material.use_texture = True`, or vary another factor.",
    "design: <name>: value <value> <rule>": "Give a value that keeps this rule.",
    "pixels of revision": "Use the version that the line names, or `--overwrite`.",
    "so it is no data set": "Give the name of a folder that `render.py` wrote.",
    "these are no parts of one data set": "Merge only parts of one run.",
    "was made with": "Use what the data set was made with, another `-d`, or `--overwrite`.",
    "rendered with Blender": "Use that Blender, another `-d`, or `--overwrite`.",
    "no such complete sample": "Give a number that `img/` has.",
    "its token is not here": "See [clusters](../howto/distribute.md).",
    "cannot be run (": "Give the path of a Blender that starts on this machine.",
    "no node has that much": "Ask for less, or add a node.",
    "--cpus allows": "Lower `--cpus_per_task`, or raise `--cpus`.",
    "this machine has <num cpus> CPUs": "Lower `--cpus_per_task`.",
    "decides this": "Leave that parameter out.",
    "a pilot sample of": "Mend what it says, and repeat the command.",
    "a sample of the preview failed": "Mend what it says, and repeat the command.",
    "differ from the driver's": "Give that node the same files or the same version.",
    "the 8 bits of png_targets": "Lower `sample.num_objs`, or use the small files.",
    "<name>: level <level> of": "Give a level that the factor has.",
    "no HDF5 file of ours": "Give the folder that `--out` copied to.",
    "no sample has levels of factors": "Open a data set that was rendered with a design.",
    "no sample with the levels": "Ask for other levels.",
    "no labels of pixels as they are": "Leave the field out, or choose one of these formats.",
    "--push hf://<repository>: <error>": "Look at what the Hub says.",
    "as the export began": "Wait until the rendering has ended, and type the command again.",
    "holds no samples": "Render some first.",
    "dataset.json names": "Restore `dataset.json`, or remove that sample and render again.",
    "scene_gt.json has": "Restore the file that is wrong.",
    "cam_K is no camera matrix": "Restore the file.",
    "so there is nothing to audit": "Give a folder with scenes of images.",
    "with --shard <shard>": "Leave one of the two options out.",
}  # fmt: skip
"""What to do, by a part of each line that does not say it."""


def find_advice(line: Line) -> str:
    """What to do about a mistake; "": the line says it.

    Raises:
        LookupError: neither the line nor `ADVICE` says it.
    """
    if _REMEDY.search(line.text):
        return ""
    known = [advice for part, advice in ADVICE.items() if part in line.text]
    if not known:
        raise LookupError(f"what shall a user do? {line.text}")
    return known[0]
