"""Reports of evaluations: the table with its notes, and the facts under which it was measured."""
