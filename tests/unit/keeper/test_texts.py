"""The words of the keeper's pages: none is missing that a page may need."""

from typing import get_args

from hoeksteen_keeper.access.change_kinds import KINDS
from hoeksteen_keeper.access.model import ROLES
from hoeksteen_keeper.pages.texts import CATALOGUES, LANGUAGES
from hoeksteen_keeper.vault.categories import CATEGORIES, PURPOSES


def test_every_role_purpose_category_and_kind_of_change_has_a_name_in_each_language() -> None:
    kinds = [kind.__struct_config__.tag for kind in get_args(KINDS)]
    named = (("role", ROLES), ("category", CATEGORIES), ("purpose", PURPOSES), ("change", kinds))
    for language in LANGUAGES:
        assert [f"{what}.{name}" for what, names in named for name in names if not CATALOGUES[language].get(f"{what}.{name}")] == []
