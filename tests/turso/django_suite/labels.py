"""The parts of Django's test suite that concern a database engine."""

# The labels that .ci/run runs.
CI = (  # noqa: SIM905  # sixty quoted words are no easier to read
    "transactions schema migrations queries expressions db_functions datetimes timezones lookup "
    "bulk_create introspection async delete"
).split()

ALL = (  # noqa: SIM905  # sixty quoted words are no easier to read
    "transactions schema migrations queries expressions db_functions datetimes dates timezones "
    "model_fields lookup bulk_create introspection admin_changelist admin_filters async delete "
    "constraints basic backends aggregation annotations custom_pk datatypes db_typecasts defer "
    "delete_regress expressions_case expressions_window fixtures force_insert_update "
    "foreign_object from_db_value get_earliest_or_latest get_or_create indexes inspectdb "
    "m2m_through many_to_many many_to_one model_inheritance null_queries one_to_one or_lookups "
    "ordering prefetch_related raw_query reserved_names save_delete_hooks select_for_update "
    "select_related serializers string_lookup update update_only_fields validation auth_tests "
    "sessions_tests contenttypes_tests admin_views"
).split()
