"""The API reference and OpenAPI document, made from the structs."""
