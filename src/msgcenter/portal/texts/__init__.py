"""Texts of the portal: audit log, notices, sample programs."""
