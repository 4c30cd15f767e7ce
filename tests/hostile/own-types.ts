import { enumeration, extension, typeDefinition } from '../../contracts/language/types.ts'

export const ODD_SCHEMA = 'Odd "schema".x 😀'

export const hstore = extension('hstore', 'public', 'public.hstore')
export const citext = extension('citext', 'public', 'public.citext')

/** Labels that break whoever prints arrays, composites or SQL by hand; the last is as long as a label may be. */
export const mood = enumeration('Mood, "odd" 😀', [
  'plain',
  'with space',
  'comma,',
  "quote's",
  'double"quote',
  'back\\slash',
  '😀',
  '{brace}',
  '(paren)',
  'NULL',
  '',
  ' padded ',
  'new\nline',
  'a label of exactly sixty-three bytes which is the longest possi',
])

/** Another type of the same name, in another schema. */
export const oddMood = enumeration('Mood, "odd" 😀', ['elsewhere', 'plain'], ODD_SCHEMA)

export const MOOD = mood().settings.type

/** What a type over `mood` needs first. */
export const moodTypes = mood().settings.requires

export const positive = typeDefinition('public.positive', 'CREATE DOMAIN public.positive AS integer CHECK (VALUE > 0)')

export const emailAddress = typeDefinition(
  'public."Email Address"',
  `CREATE DOMAIN public."Email Address" AS text CHECK (VALUE LIKE '%@%')`,
)

export const labels = typeDefinition(
  'public.labels',
  'CREATE DOMAIN public.labels AS text[] CHECK (cardinality(VALUE) < 100)',
)

export const pair = typeDefinition('public.pair', 'CREATE TYPE public.pair AS (first integer, "Second ""one""" text)')

export const nested = typeDefinition(
  'public."Nested"',
  `CREATE TYPE public."Nested" AS (pair public.pair, mood ${MOOD}, tags text[], amount numeric(10,3))`,
)

/** Its multirange, `public.text_multirange`, comes with it. */
export const textRange = typeDefinition(
  'public.text_range',
  'CREATE TYPE public.text_range AS RANGE (subtype = text, collation = "C")',
)

export const oddOrder = typeDefinition(
  '"Odd ""schema"".x 😀"."order"',
  'CREATE TYPE "Odd ""schema"".x 😀"."order" AS (by text)',
)
