-- append_batch: calls the function of that name (sql/migrations/V18__partition_of_rows.sql)
SELECT append_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
