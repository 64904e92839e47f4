"""Merge keys: `<<: *common` puts the keys of an anchor into a mapping, unless it has them itself."""

from collections.abc import Iterator

from bot.model.text import Text
from bot.pipeline.compose import messages
from bot.pipeline.yaml_tree import Document, Path, Tree

MERGE = "<<"


def merged(document: Document) -> list[tuple[Path, Text]]:
    """Replace merge keys in a document; return those that cannot be merged.

    What a merge key brings has the position of the merge key.
    """
    problems = list[tuple[Path, Text]]()
    document.root = _merged(document.root, (), document, problems)
    return problems


def _merged(tree: Tree, path: Path, document: Document, problems: list[tuple[Path, Text]]) -> Tree:
    if isinstance(tree, list):
        return [_merged(child, (*path, index), document, problems) for index, child in enumerate(tree)]
    if not isinstance(tree, dict):
        return tree
    own = {name: _merged(child, (*path, name), document, problems) for name, child in tree.items()}
    if MERGE not in own:
        return own
    merge = own.pop(MERGE)
    mark = document.values[(*path, MERGE)] if (*path, MERGE) in document.values else document.at(path)
    for added in _mappings(merge):
        if added is None:
            problems.append(((*path, MERGE), messages.MERGE))
            continue
        for name, child in added.items():
            if name not in own:
                own[name] = child
                document.keys[(*path, name)] = document.values[(*path, name)] = mark
    return own


def _mappings(merge: Tree) -> Iterator[dict[str, Tree] | None]:
    """Yield what a merge key names, one anchor or a list of them; None for what is no mapping."""
    for one in merge if isinstance(merge, list) else [merge]:
        yield one if isinstance(one, dict) else None
