"""JSON in and out: request and response structs, decoding, dialects, envelopes."""
