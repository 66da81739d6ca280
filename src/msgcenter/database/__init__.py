"""How to speak to PostgreSQL: pool, transactions, group commit, the embedded server, migrations, diagnosis."""
