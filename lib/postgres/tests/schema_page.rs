//! The page of the tables, `docs/reference/schema.md`, from a migrated database with the comments of
//! `sql/comments.sql`.

use auction_testkit::local_servers::{connect, database};
use auction_testkit::reference_page::ReferencePage;
use std::collections::BTreeMap;
use std::fmt::Write;
use tokio_postgres::Client;

/// Tables of the library that runs migrations.
const NOT_OURS: &str = "refinery_schema_history";

struct Column {
    name: String,
    /// Type, with `null` if the column can be null.
    kind: String,
    in_primary_key: bool,
    comment: String,
}

impl Column {
    /// Returns the table that the comment refers to.
    fn refers_to(&self) -> Option<&str> {
        self.comment.split_once("Refers to `")?.1.split('`').next()
    }
}

#[derive(Default)]
struct Table {
    comment: String,
    columns: Vec<Column>,
    indexes: Vec<String>,
}

async fn tables(client: &Client) -> BTreeMap<String, Table> {
    client.batch_execute(include_str!("../../../sql/comments.sql")).await.unwrap();
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    let columns = "SELECT c.relname::text, coalesce(obj_description(c.oid, 'pg_class'), ''), a.attname::text,
               format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN '' ELSE ' or null' END,
               coalesce(col_description(c.oid, a.attnum), ''), coalesce(a.attnum = ANY (i.indkey), false)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> $1
            AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY c.relname, a.attnum";
    for row in client.query(columns, &[&NOT_OURS]).await.unwrap() {
        let table = tables.entry(row.get(0)).or_default();
        table.comment = row.get(1);
        let (name, kind, comment, in_primary_key) = (row.get(2), row.get(3), row.get(4), row.get(5));
        table.columns.push(Column { name, kind, in_primary_key, comment });
    }
    let indexes =
        "SELECT tablename::text, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, indexname";
    for row in client.query(indexes, &[]).await.unwrap() {
        if let Some(table) = tables.get_mut(row.get::<_, &str>(0)) {
            table.indexes.push(row.get(1));
        }
    }
    tables
}

/// Renders an entity-relationship diagram of the columns that identify or refer to rows.
fn diagram(tables: &BTreeMap<String, Table>) -> String {
    let mut text = "```mermaid\nerDiagram\n".to_owned();
    for (name, table) in tables {
        writeln!(text, "    {name} {{").unwrap();
        for column in
            table.columns.iter().filter(|column| column.in_primary_key || column.refers_to().is_some())
        {
            let kind = column.kind.split(' ').next().unwrap();
            let key = match (column.in_primary_key, column.refers_to().is_some()) {
                (true, true) => "PK, FK",
                (true, false) => "PK",
                (false, _) => "FK",
            };
            writeln!(text, "        {kind} {} {key}", column.name).unwrap();
        }
        text.push_str("    }\n");
    }
    for (name, table) in tables {
        let keys = table.columns.iter().filter(|column| column.in_primary_key).count();
        for column in &table.columns {
            let Some(other) = column.refers_to() else { continue };
            assert!(
                tables.contains_key(other),
                "{name}.{} refers to {other}, which is no table",
                column.name
            );
            let many = if column.in_primary_key && keys == 1 { "o|" } else { "}o" };
            writeln!(text, "    {name} {many}--|| {other} : {}", column.name).unwrap();
        }
    }
    text + "```"
}

/// Returns the kind, name and columns of an index, from its definition.
fn index(definition: &str) -> String {
    let unique = if definition.starts_with("CREATE UNIQUE") { "unique, " } else { "" };
    let (_, rest) = definition.split_once("INDEX ").unwrap();
    let (name, rest) = rest.split_once(" ON ").unwrap();
    let (_, how) = rest.split_once(" USING ").unwrap();
    format!("`{name}`: {unique}`{how}`")
}

#[tokio::test]
async fn schema_reference_page_is_current() {
    let tables = tables(&connect(&database().await).await).await;
    let mut page = ReferencePage::new(
        "schema.md",
        "Database schema",
        "Which tables and columns does the portal have in Postgres, and what are they for?",
        "a database after all migrations of `sql/migrations`, and `sql/comments.sql`",
    );
    page.paragraph(
        "Times are milliseconds since 1970. *Refers to* names the table that has a row with that id; only `sessions` \
         has a foreign key. To see the comments in `psql`, run \
         `psql \"$DATABASE_URL\" -f sql/comments.sql`.",
    );
    page.heading(2, "Diagram");
    page.paragraph(
        "The diagram has the columns of primary keys (PK) and those that refer to another table (FK).",
    );
    page.paragraph(&diagram(&tables));
    page.heading(2, "Tables");
    for (name, table) in &tables {
        assert!(!table.comment.is_empty(), "sql/comments.sql has no comment on the table {name}");
        page.heading(3, name);
        page.paragraph(&table.comment);
        for column in &table.columns {
            assert!(!column.comment.is_empty(), "sql/comments.sql has no comment on {name}.{}", column.name);
        }
        page.table(
            ["column", "type", "key", "meaning"],
            table.columns.iter().map(|Column { name, kind, in_primary_key, comment }| {
                let key = if *in_primary_key { "primary" } else { "" };
                [format!("`{name}`"), kind.clone(), key.to_owned(), comment.clone()]
            }),
        );
        page.paragraph("Indexes:");
        page.list(table.indexes.iter().map(|definition| index(definition)));
    }
    page.assert_current();
}
