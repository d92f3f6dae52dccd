"""
YAML as people write it, read so that nothing in it is taken for something else in silence.

YAML itself lets the last of two equal names win, reads `060` as 48 and `1:30` as 90, and lets a few lines stand for gigabytes.
"""

import re
from typing import Any

import yaml

EXPANDED_MAX = 10_000_000  # characters and elements, with everything written out that is named elsewhere
_ODD_NUMBER = re.compile(r"[-+]?0[0-9_]+|.*:.*")
_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same language, where PyYAML was built with it; bounds how deep a text may be nested
_INTEGER = "tag:yaml.org,2002:int"


class NoYaml(ValueError):
    """
    Text that is no YAML, or that YAML would read as something that nobody meant.

    :ivar line: counted from 1, where it is known
    """

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.line = line


def read_yaml(text: str) -> Any:
    """
    Read one YAML document of plain values.

    :raises NoYaml: when it is none, a name stands twice in one mapping, a whole number is written so that YAML reads another, or what is named
        elsewhere (`*name`) makes it endless or too large
    """
    try:
        try:
            return _read(_FAST(text))
        except yaml.YAMLError:  # again, for the line: this one names where a thing begins, the fast one where it should have ended
            return _read(yaml.SafeLoader(text))
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: a date that is none; its words would show the value
        if isinstance(error, NoYaml):
            raise
        mark = getattr(error, "problem_mark", None)
        raise NoYaml("is not YAML in UTF-8", None if mark is None else mark.line + 1) from error


def _read(loader: Any) -> Any:
    node = loader.get_single_node()
    if node is None:
        return None
    _size(node, {})
    return loader.construct_document(node)


def _size(node: yaml.Node, known: dict[int, int | None]) -> int:
    """
    Give how large a node is when everything is written out, after a look at each node once.

    :param known: sizes by node; None while a node is looked at, so that one that holds itself is found
    """
    if id(node) in known:
        found = known[id(node)]
        if found is None:
            raise _fault(node, "holds itself")
        return found
    known[id(node)] = None
    size = 1
    if isinstance(node, yaml.ScalarNode):
        size += len(node.value)
        if node.tag == _INTEGER and _ODD_NUMBER.fullmatch(node.value):
            raise _fault(node, f"{node.value[:20]} is read as another number; write it without a leading zero or colon, or in quotes")
    elif isinstance(node, yaml.MappingNode):
        names = set[str]()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in names:
                    raise _fault(key, f"{key.value[:40]} stands twice in one mapping")
                names.add(key.value)
            size += _size(key, known) + _size(value, known)
    else:
        size += sum(_size(one, known) for one in node.value)
    if size > EXPANDED_MAX:
        raise _fault(node, f"is larger than {EXPANDED_MAX:,} characters with everything written out")
    known[id(node)] = size
    return size


def _fault(node: yaml.Node, what: str) -> NoYaml:
    return NoYaml(what, node.start_mark.line + 1)
