"""A PEP 249 driver for libSQL servers, over HTTP. It imports no Django models or settings.

From Django it takes ImproperlyConfigured, is_same_domain() and the SQLite backend's conversion of
placeholders. Nothing in this room imports `sql` or the modules above.

Read it from the wire upwards; each module imports only those before it:

    values hrana                     the protocol's values, requests and answers
    errors unknown_outcome masking   exceptions, and texts without secrets
    address explanations             the settings, and sentences about failed connections
    pool transport                   HTTP connections, tokens, one request and its failure
    statements savepoints            SQL, and its result
    stream                           repeated requests, waiting for a busy database
    transaction                      from BEGIN to COMMIT: the heart of the driver
    cursor connection dbapi          PEP 249

The logger `agent_sessions.turso` gets its decisions: never a token, a key, SQL or a parameter.
"""
