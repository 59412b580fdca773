"""The JSON API under `/api/`: searches, videos, moments and clips; `docs/http-api.md` describes it."""
