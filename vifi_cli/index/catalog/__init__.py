"""All SQL but that of concepts: the catalog, which is the truth about an index, and the cache of embedded texts."""
