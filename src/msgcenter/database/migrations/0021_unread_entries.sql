-- Count unread entries in PL/pgSQL. A function in SQL is parsed whenever a statement that writes to pages begins, to find
-- out whether it can be inlined; that costs every status change 0.1 ms, though nearly no page has hidden entries.
create or replace function unread_entries(message_ids bigint[], read_at bigint[], hidden_ids bigint[]) returns smallint
language plpgsql immutable parallel safe as $$
begin
  return (
    select count(*)::smallint
    from unnest($1, $2) as entry (id, at)
    where entry.at is null and entry.id <> all($3)
  );
end
$$;
