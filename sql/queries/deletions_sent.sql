-- deletions_sent: what follows from these was sent once more (numbers, attempts so far, when to send again)
UPDATE deletions SET attempt = deletions.attempt + 1, again_at = s.again_at
FROM unnest($1::bigint[], $2::integer[], $3::bigint[]) AS s (seq, attempt, again_at)
WHERE deletions.seq = s.seq AND deletions.attempt = s.attempt
