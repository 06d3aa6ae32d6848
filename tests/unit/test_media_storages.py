"""Every storage has all that it needs, and who reads frames imports nothing that writes them."""

import subprocess
import sys
from typing import get_args

import pytest

from kinema import provenance
from kinema.experiment.data_sections import Media
from kinema.media.reader import READERS
from kinema.media.storages.facts import STORAGE_FACTS
from kinema.media.storages.table import STORAGES

NAMES = list(get_args(Media.model_fields["storage"].annotation))


@pytest.mark.parametrize("table", [STORAGE_FACTS, STORAGES, READERS], ids=["facts", "storages", "readers"])
def test_every_storage_of_the_configuration_is_there(table):
    assert list(table) == NAMES


@pytest.mark.parametrize(
    ("module", "other"),
    [
        ("kinema.clips.dataset", "kinema.media.storages"),  # an edit of what writes frames would train anew
        ("kinema.media.shard", "kinema.media.readers"),  # and one of what reads them would look at every shard
        ("kinema.media.plan", "kinema.media.storages"),
    ],
)
def test_an_edit_of_the_one_is_none_of_the_other(module, other):
    assert module in (counted := provenance.closure(module))
    assert not [name for name in counted if name.startswith(other)]


def test_importing_the_facts_loads_nothing_heavy():
    heavy = "{'torch', 'av', 'cv2', 'numpy', 'pyarrow', 'pydantic'}"
    code = f"import sys, kinema.media.storages.facts; sys.exit(not {heavy}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
