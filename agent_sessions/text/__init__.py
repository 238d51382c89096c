"""Text that strangers wrote, made safe to show. Imports no models."""
