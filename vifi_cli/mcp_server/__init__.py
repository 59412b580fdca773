"""A server of the Model Context Protocol, with which language models search your videos; `docs/mcp.md` describes it."""
