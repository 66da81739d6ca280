"""The portal for developers and operators: pages rendered here, forms that work without JavaScript."""
