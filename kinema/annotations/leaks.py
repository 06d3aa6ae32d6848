"""What must lie in one subset, and lies in two."""

import pandas as pd


def divided(keys: pd.Series, subsets: pd.Series) -> list[str]:
    """The keys, of groups or files, that lie in more than one subset, sorted; a missing key is none."""
    pairs = pd.DataFrame({"key": keys.to_numpy(), "subset": subsets.to_numpy()}).dropna().drop_duplicates()
    return sorted(pairs["key"][pairs["key"].duplicated()].astype(str).unique())
