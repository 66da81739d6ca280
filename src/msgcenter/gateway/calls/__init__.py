"""The API calls, one module per URL folder."""
