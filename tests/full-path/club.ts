import { contractSet } from '../../contracts/language/contract-set.ts'
import { entity, service } from '../../contracts/language/entity.ts'
import {
  bigint,
  boolean,
  bytea,
  doublePrecision,
  integer,
  jsonb,
  text,
  timestamp,
  uuid,
} from '../../contracts/language/types.ts'

const Person = entity(
  {
    id: uuid(),
    email: text(),
    age: integer().nullable(),
    seen: timestamp(3).nullable(),
    rate: doublePrecision().nullable(),
    isAdmin: boolean().default('false'),
    data: jsonb().nullable(),
    photo: bytea().nullable(),
    bio: text().nullable(),
  },
  { key: ['id'], unique: [{ on: ['email'] }] },
)
const Card = entity(
  { id: bigint(), personId: uuid(), note: text().nullable() },
  { key: ['id'], references: [{ on: ['personId'], to: 'Person', onDelete: 'CASCADE' }] },
)
const Visit = entity({ personId: uuid(), place: text() }, { key: ['personId', 'place'], keyAs: 'unique index' })
/** A club: two services, with a cascade in one and a table without a primary key in the other. */
export const CLUB = contractSet('club', {
  services: { people: service({ Person, Card }), places: service({ Visit }) },
})

export const CLUB_TABLES = [
  `CREATE TABLE "Person" (id uuid PRIMARY KEY, email text NOT NULL, age integer, seen timestamp(3), rate float8,
     "isAdmin" boolean NOT NULL DEFAULT false, data jsonb, photo bytea, bio text)`,
  'CREATE UNIQUE INDEX "Person_email_key" ON "Person" (email)',
  `CREATE TABLE "Card" (id bigint PRIMARY KEY, "personId" uuid NOT NULL
     CONSTRAINT "Card_personId_fkey" REFERENCES "Person" ON DELETE CASCADE ON UPDATE CASCADE, note text)`,
  'CREATE TABLE "Visit" ("personId" uuid NOT NULL, place text NOT NULL)',
  'CREATE UNIQUE INDEX "Visit_personId_place_key" ON "Visit" ("personId", place)',
  `INSERT INTO "Person" (id, email, age, bio)
     SELECT md5(n::text)::uuid, n || '@example.org', n, repeat(md5(n::text), 100) FROM generate_series(1, 200) AS n`,
  `INSERT INTO "Card" SELECT n, md5((n % 200 + 1)::text)::uuid, 'card ' || n FROM generate_series(1, 400) AS n`,
  `INSERT INTO "Visit" SELECT md5(n::text)::uuid, 'Fez' FROM generate_series(1, 50) AS n`,
]

/** The id of a person, as SQL. */
export const ID = (number: number): string => `md5('${number}')::uuid`
