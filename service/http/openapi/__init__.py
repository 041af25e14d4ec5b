"""The routes as an OpenAPI 3.1 document, made of the tables that the code itself goes by."""
