"""A DB-API driver for libSQL servers over HTTPS. Imports no Django models or settings."""
