"""The background work of channels: plans become deliveries, and gateways send them."""
