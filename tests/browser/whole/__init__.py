"""The pages on the whole server: PostgreSQL, Asterisk, SIP phones, a browser."""
