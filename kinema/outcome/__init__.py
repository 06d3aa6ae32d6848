"""What came out of a run: the records of a result folder in a few plain lines, for the end of a run and `kinema show`.

No stage imports it, and it needs the standard library only: it runs with the client's packages, and in the Snakefile on
every call. Each statement is a rule of its own: `levels` (what chance gives), `score`, `fitting`, `data`, `export`,
`stale`; `show` puts them together. docs/what-came-out.md has the rules.
"""
