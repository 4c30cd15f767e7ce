import type { Client } from 'pg'

/**
 * What a living database went through before anybody read it: dead rows, HOT updates, rolled-back work, dropped and
 * late columns, a rewritten table. Each statement is a transaction of its own, as it was.
 */
const STATEMENTS: readonly string[] = [
  `INSERT INTO public.churned SELECT 1000000 + i, i, NULL FROM generate_series(1, 20) AS i`,
  ...['counter = counter + 1 WHERE id % 5 < 1', 'counter = counter + 2 WHERE id % 5 < 2'].map(updateOfLaterPages),
  ...['counter = counter + 3 WHERE id % 5 < 3', 'id = -id WHERE id % 11 = 0'].map(updateOfLaterPages),
  'DELETE FROM public.churned WHERE id % 3 = 0',
  // The first page keeps no row at all.
  `DELETE FROM public.churned WHERE ctid < '(1,0)'`,
  `INSERT INTO public.empty SELECT i, 'dead' FROM generate_series(1, 200) AS i`,
  'DELETE FROM public.empty',
  `DO $$ BEGIN
    INSERT INTO public.empty VALUES (1, 'rolled back');
    RAISE division_by_zero;
  EXCEPTION WHEN division_by_zero THEN NULL;
  END $$`,
  `BEGIN; INSERT INTO public.one_row VALUES (99, 'rolled back'); ROLLBACK`,
  'ALTER TABLE public.changed ALTER retyped TYPE bigint USING retyped::bigint * 3000000000',
  'ALTER TABLE public.changed DROP dropped_first, DROP dropped_second, DROP dropped_last',
  // The rows that are there keep no value of these: the catalog has it (attmissingval).
  `ALTER TABLE public.changed ADD added_text text NOT NULL DEFAULT 'missing ''value''',
    ADD added_number integer NOT NULL DEFAULT 42, ADD added_late timestamp(3)`,
  `ALTER TABLE public.changed ALTER added_number SET DEFAULT 43`,
  `INSERT INTO public.changed (id, kept, added_text, added_late) VALUES
    (-1, 'after', '', 'infinity'), (-2, NULL, 'given', '0044-03-15 12:00:00.001 BC')`,
  'UPDATE public.changed SET kept = $$touched$$ WHERE id % 4 = 0',
  'DELETE FROM public.rewritten WHERE id % 5 = 3',
  // The file is another than the table's oid from here on.
  'CLUSTER public.rewritten USING rewritten_pkey',
  'UPDATE public.tree SET twin = twin WHERE id % 2 = 0',
  'BEGIN; SET CONSTRAINTS ALL DEFERRED; UPDATE public.deferred_key SET id = 3 - id WHERE id IN (1, 2); COMMIT',
  'REFRESH MATERIALIZED VIEW public.a_materialized_view',
]

/**
 * Where an updated row goes depends on what the server has pruned by then. The first page, untouched, has no room for one of
 * these, so that what it holds in the end is what it held in the beginning.
 */
function updateOfLaterPages(change: string): string {
  return `UPDATE public.churned SET ${change} AND ctid >= '(1,0)' AND id < 1000000`
}

/** Runs the history of the hostile monolith, once its rows are there. */
export async function churn(client: Client): Promise<void> {
  for (const statement of STATEMENTS) await client.query(statement)
}
