import { entity, service } from '../../contracts/language/entity.ts'
import { bigint, integer, postgres, text } from '../../contracts/language/types.ts'
import { MOOD, emailAddress, hstore, labels, mood, moodTypes, nested, pair, positive, textRange } from './own-types.ts'

/** Types of the monolith's own, ranges, arrays, and columns whose values the database makes. */
export const structures = service({
  Kind: entity(
    {
      id: integer(),
      mood: mood().default(`'quote''s'::${MOOD}`),
      other_mood: mood().nullable(),
      positive: postgres('public.positive', positive).nullable(),
      email: postgres('public."Email Address"', emailAddress).nullable(),
      labels: postgres('public.labels', labels).nullable(),
      pair: postgres('public.pair', pair).nullable(),
      Nested: postgres('public."Nested"', pair, ...moodTypes, nested).nullable(),
    },
    { key: ['id'], table: 'kinds' },
  ),
  Range: entity(
    {
      id: integer(),
      int4range: postgres('int4range').nullable(),
      int8range: postgres('int8range').nullable(),
      numrange: postgres('numrange').nullable(),
      tsrange: postgres('tsrange').nullable(),
      tstzrange: postgres('tstzrange').nullable(),
      daterange: postgres('daterange').nullable(),
      text_range: postgres('public.text_range', textRange).nullable(),
      int4multirange: postgres('int4multirange').nullable(),
      nummultirange: postgres('nummultirange').nullable(),
      tstzmultirange: postgres('tstzmultirange').nullable(),
      text_multirange: postgres('public.text_multirange', textRange).nullable(),
    },
    { key: ['id'], table: 'ranges' },
  ),
  Array: entity(
    {
      id: integer(),
      texts: postgres('text[]').nullable(),
      integers: postgres('integer[]').nullable(),
      bigints: postgres('bigint[]').nullable(),
      numerics: postgres('numeric[]').nullable(),
      floats: postgres('double precision[]').nullable(),
      booleans: postgres('boolean[]').nullable(),
      varchars: postgres('character varying(10)[]').nullable(),
      byteas: postgres('bytea[]').nullable(),
      timestamps: postgres('timestamp(3) without time zone[]').nullable(),
      jsonbs: postgres('jsonb[]').nullable(),
      uuids: postgres('uuid[]').nullable(),
      boxes: postgres('box[]').nullable().note('The one type whose arrays are delimited by a semicolon.'),
      moods: postgres(`${MOOD}[]`, ...moodTypes).nullable(),
      pairs: postgres('public.pair[]', pair).nullable(),
      positives: postgres('public.positive[]', positive).nullable(),
      ranges: postgres('int4range[]').nullable(),
      hstores: postgres('public.hstore[]', hstore).nullable(),
    },
    { key: ['id'], table: 'arrays' },
  ),
  Computed: entity(
    {
      total: postgres('numeric').nullable().generated('(price * (quantity)::numeric)'),
      id: integer(),
      price: postgres('numeric(10,2)').default('0'),
      quantity: integer().nullable(),
      loud: text().nullable().generated('upper(name)'),
      name: text(),
    },
    { key: ['id'], unique: [{ on: ['loud'] }], table: 'computed' },
  ),
  NumberedAlways: entity(
    { id: bigint().identity('ALWAYS'), name: text().nullable() },
    { key: ['id'], table: 'numbered_always' },
  ),
  NumberedByDefault: entity(
    { name: text(), number: integer().identity('BY DEFAULT') },
    { key: ['name'], table: 'numbered_by_default' },
  ),
})
