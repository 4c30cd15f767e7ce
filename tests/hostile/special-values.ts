import { LONGEST_HOURS, ROUNDED_TYPE } from './postgres-14.ts'

/**
 * For each type, in PostgreSQL's text form, the values that break pipelines which look at them. By hand, since no
 * generator thinks of them. NULL is not among them: each nullable column gets it besides. The formatter is kept away:
 * a list of a hundred values reads as a block.
 */

const INT8 = ['-9223372036854775808', '9223372036854775807', '9007199254740991', '9007199254740992', '9007199254740993']
const INT4 = ['-2147483648', '2147483647', '0', '-1', '127', '128', '65535', '65536']
// prettier-ignore
const NUMERIC = [
  '0', '0.00', '1.50', '1.5', '-0.000000000000000000001', 'NaN', 'Infinity', '-Infinity', '1e130',
  '12345678901234567890.123', '0.1', '100', '100.000000', `1${'0'.repeat(400)}.5`,
]
// prettier-ignore
const FLOAT8 = [
  'NaN', 'Infinity', '-Infinity', '0', '-0', '5e-324', '-5e-324', '2.2250738585072011e-308',
  '1.7976931348623157e+308', '0.1', '0.30000000000000004', '1e21', '1e-7', '9007199254740993', '123456789012345680',
]
// prettier-ignore
const TEXT = [
  '', ' ', 'NULL', 'null', '\\N', '\\.', '\\', '\\\\', '\\t', '\t', '\n', '\r', '\r\n', 'a\tb\nc\rd\\e', '"', "'",
  '""', '\u{feff}byte order mark', 'e\u{301}', '\u{e9}', 'مرحبا', 'שלום', 'ﬁ', '👩‍👩‍👧', '🇫🇷', '\u{fffe}', '\u{ffff}',
  '\u{fffd}', '\u{10ffff}', '\u{d7ff}\u{e000}', '\u{1}\u{7f}', '\u{2028}\u{2029}', '\u{85}\u{a0}', '\u{200b}',
  'trailing ', ' leading', '__proto__', '{}', '{"a":1}', '[1,2]', 'true', '0', '-0', '1e5', '$1', '%s', ';--',
  '\u{8}\u{c}\u{b}', 'I\u{307}ıİ', 'x'.repeat(126), 'x'.repeat(127), 'é'.repeat(1000), 'ab'.repeat(4096),
  "it's", '<a b="c">&amp;</a>',
]
// prettier-ignore
const TIMESTAMP = [
  'infinity', '-infinity', '4713-11-24 00:00:00 BC', '294276-12-31 23:59:59', '0001-01-01 00:00:00',
  '0001-12-31 23:59:59.999 BC', '1970-01-01 00:00:00', '1969-12-31 23:59:59.999999', '2000-02-29 12:34:56.123456',
  '2038-01-19 03:14:08', '2024-03-31 02:30:00', '2024-12-31 23:59:59.5', '1900-01-01 00:00:00', '9999-12-31 23:59:59',
]
/** Rounded to fewer digits it would be a timestamp that PostgreSQL stores and prints, but does not read back. */
const LAST_TIMESTAMP = '294276-12-31 23:59:59.999999'

const TIME = ['00:00:00', '24:00:00', '23:59:59.999999', '12:34:56.000001', '12:34:56.5']
const TIMETZ = ['24:00:00+00', '00:00:00+15:59', '23:59:59.999999-15:59:59', '12:00:00+05:30']
// prettier-ignore
const INTERVAL = [
  '0', '178000000 years', '-178000000 years', '1 mon', '30 days', '720:00:00', '-1 mons +1 day -00:00:00.000001',
  '1 year -1 day', '-00:00:00.5', LONGEST_HOURS, '1 day 24:00:00',
]
// prettier-ignore
const JSON_TEXT = [
  '{"b":1,"a":2,"a":3}', '{ "spaced" :\t[ 1 ,2 ]\n}', '12345678901234567890123456789.10', '1e400', '-0', '-0.0',
  '1.0', '{"__proto__":{"polluted":true},"constructor":null}', '"\\u0000"', '"\\ud83d"', '"\\u00e9"', '""', 'null',
  '{}', '[]', '[[[[]]]]', '"\u{feff}"', '{"":""}', '  true  ', '"\\/"', `${'['.repeat(200)}${']'.repeat(200)}`,
]
const JSONB = JSON_TEXT.filter((value) => !value.includes('\\u0000') && !value.includes('\\ud83d'))
// prettier-ignore
const ARRAY_OF_TEXTS = [
  '{}', '{NULL}', '{"NULL"}', '{NULL,"NULL","null",""," "}', '[5:6]={a,b}', '[-1:0][2:3]={{1,2},{3,4}}',
  '{{a,b},{c,d}}', '{"a,b","{}","\\"","\\\\","\\\\N"}', '[0:0]={x}', '{"new\nline","tab\t",😀}', '{{{1}}}', '{\u{feff}}',
]
const NUMBER_ARRAYS = ['{}', '{NULL}', '{1,NULL,2}', '[5:6]={1,2}', '{{1,2},{3,4}}']
// prettier-ignore
const MOODS = [
  'plain', 'with space', 'comma,', "quote's", 'double"quote', 'back\\slash', '😀', '{brace}', '(paren)', 'NULL', '', ' padded ',
  'new\nline', 'a label of exactly sixty-three bytes which is the longest possi',
]
// prettier-ignore
const PAIR = [
  '(,)', '(,"")', '(1,)', '(-1," ")', '(2147483647,"a,b")', '(0,"(""quoted"")")', '(1,"back\\\\slash")', '(1,NULL)',
]
const INT_RANGE = ['empty', '(,)', '[1,2)', '(,5)', '[5,)', '[-2147483648,2147483647)']
const TEXT_RANGE = ['empty', '(,)', '["",a)', '["a,b","c""d\\\\"]', '[NULL,null]', '[" ","(x)"]', '[,😀)']
const NETWORK = ['0.0.0.0/0', '10.0.0.0/8', '10.1.2.3/32', '::/0', 'fe80::/64', '::ffff:1.2.3.4/128']

/** Special values by the type as `format_type` prints it under an empty search path. */
// prettier-ignore
export const SPECIAL_VALUES: Readonly<Record<string, readonly string[]>> = {
  smallint: ['-32768', '32767', '0', '-1', '127', '128', '255', '256'],
  integer: INT4,
  bigint: [...INT8, '-9007199254740991', '-9007199254740992', '4294967296', ...INT4],
  boolean: ['t', 'f'],
  oid: ['0', '4294967295', '2147483648'],
  pg_lsn: ['0/0', 'FFFFFFFF/FFFFFFFF', '0/1', '16/B374D848'],
  xid8: ['0', '18446744073709551615', '4294967296'],
  real: [
    'NaN', 'Infinity', '-Infinity', '0', '-0', '1e-45', '1.1754942e-38', '3.4028235e+38', '0.1', '16777217', '1e10',
  ],
  'double precision': FLOAT8,
  numeric: NUMERIC,
  'numeric(20,5)': ['0', 'NaN', '1.5', '-999999999999999.99999', '999999999999999.99999', '0.00001'],
  [ROUNDED_TYPE]: ['0', '1234500', '-9999900', '149', '150', 'NaN'],
  'numeric(10,2)': ['0', '99999999.99', '-0.01', '1.5', 'NaN'],
  'numeric(12,3)': ['0', '999999999.999', '-0.001', 'NaN'],
  money: ['-92233720368547758.08', '92233720368547758.07', '0', '-0.01', '1234567.89'],
  text: TEXT,
  'character varying': TEXT,
  'character varying(20)': ['', ' ', '12345678901234567890', '😀'.repeat(20), 'a                   ', '\\N', 'NULL'],
  'character(5)': ['', 'a', 'a    ', ' a', '12345', '😀', '\\N', '\t'],
  bpchar: ['', 'a', 'a    ', ' a ', '\n', 'no length at all'],
  '"char"': ['a', '', ' ', '\\', '"', '\n'],
  name: ['', 'a', 'n'.repeat(63), 'A "name"', '\\N'],
  'public.citext': ['', 'Abc', 'ABC ', 'É', '\\N', 'NULL', 'ß'],
  bytea: ['\\x', '\\x00', '\\xff', '\\x5c4e', '\\x0a0d09', '\\xc3', '\\xfeff', '\\xeda080', `\\x${'00ff'.repeat(300)}`],
  'bit(1)': ['0', '1'],
  'bit(5)': ['00000', '11111', '10101'],
  'bit varying': ['', '0', '1', '0000000011111111', '1'.repeat(1000)],
  'bit varying(10)': ['', '0000000000', '1'],
  'timestamp without time zone': TIMESTAMP,
  'timestamp(6) without time zone': [...TIMESTAMP, LAST_TIMESTAMP],
  'timestamp with time zone': [
    ...TIMESTAMP,
    LAST_TIMESTAMP,
    '2000-02-29 12:34:56.123456+14', '1883-11-18 12:00:00-04:56:02',
  ],
  'timestamp(2) with time zone': ['infinity', '-infinity', '2000-02-29 12:34:56.99+14', '0044-03-15 12:00:00+00 BC'],
  date: ['infinity', '-infinity', '4713-11-24 BC', '5874897-12-31', '0001-01-01', '0001-12-31 BC', '2000-02-29'],
  'time without time zone': TIME,
  'time(3) without time zone': TIME,
  'time with time zone': TIMETZ,
  'time(0) with time zone': ['24:00:00+00', '00:00:00-15:59:59'],
  interval: INTERVAL,
  'interval year to month': ['1 year', '-1 mons', '0', '178000000 years 11 mons'],
  'interval day to second(2)': ['1 day 00:00:00.01', '-24:00:00', '0'],
  uuid: ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
  json: JSON_TEXT,
  jsonb: JSONB,
  xml: [
    '', 'only text &amp; nothing', '<a/>', '<a></a>', '<a b="c" >é😀</a>', '<!-- c --><a/><b/>', '<![CDATA[<]]>',
    '<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>', '<?xml version="1.1" standalone="yes"?><a/>', '\n<a\n/>\n',
  ],
  jsonpath: ['$', '$."a"."b c"?(@ > 1)', 'strict $.**{1 to 2}', '$."__proto__"', '$."\\""'],
  tsvector: ['', "'a' 'b':1A,2B", "'it''s':3 'back\\\\slash' ' '", "'😀':16383"],
  tsquery: ['', "'a' & !'b':*A", "'it''s' <-> 'x' | 'y' <3> 'z'"],
  'public.hstore': ['', '"a"=>NULL', '"a"=>"NULL", "b"=>""', '""=>"=>", "__proto__"=>"x"', '"q\\"q"=>"b\\\\b,\n"'],
  inet: [...NETWORK, '10.1.2.3/8', '192.168.0.1', 'fe80::1/64', '2001:db8::8a2e:370:7334/128'],
  cidr: NETWORK,
  macaddr: ['00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff'],
  macaddr8: ['00:00:00:00:00:00:00:00', '08:00:2b:01:02:03:04:05'],
  point: ['(0,-0)', '(NaN,Infinity)', '(1e+308,5e-324)', '(0.1,0.2)'],
  line: ['{1,2,3}', '{0,-1,0}', '{-1,0,NaN}'],
  lseg: ['[(0,0),(1,1)]', '[(-0,NaN),(Infinity,0)]'],
  box: ['(1,1),(0,0)', '(Infinity,0.1),(-Infinity,-0.1)'],
  path: ['((0,0),(1,1))', '[(0,0),(1,1),(2,0.1)]', '((0,0))'],
  polygon: ['((0,0))', '((0,0),(1,1),(1,0))'],
  circle: ['<(0,0),0>', '<(0.1,-0.1),Infinity>'],
  int4range: INT_RANGE,
  int8range: [...INT_RANGE, '[-9223372036854775808,9223372036854775807)'],
  numrange: ['empty', '[1.0,1.00]', '(,NaN)', '[-Infinity,Infinity]', '(0.1,0.10000000000000000000001)'],
  tsrange: ['empty', '[-infinity,infinity]', '["0044-03-15 12:00:00 BC","2000-01-01 00:00:00.000001")'],
  tstzrange: ['empty', '(,"2000-01-01 00:00:00+14")', '[infinity,infinity]'],
  daterange: ['empty', '[2000-01-01,2000-01-02)', '("4713-11-24 BC",infinity)'],
  'public.text_range': TEXT_RANGE,
  int4multirange: ['{}', '{[1,2),[5,)}', '{(,)}'],
  nummultirange: ['{}', '{[1.0,1.00],(5,NaN]}'],
  tstzmultirange: ['{}', '{["2000-01-01 00:00:00+00",infinity)}'],
  'public.text_multirange': ['{}', '{["a,b","c""d"),["x{}",)}', '{(,)}'],
  'public."Mood, ""odd"" 😀"': MOODS,
  '"Odd ""schema"".x 😀"."Mood, ""odd"" 😀"': ['elsewhere', 'plain'],
  '"Odd ""schema"".x 😀"."order"': ['()', '("")', '(" a,b ")'],
  'public.positive': ['1', '2147483647'],
  'public."Email Address"': ['@', 'a@b', '"é 😀"@x\n'],
  'public.labels': ARRAY_OF_TEXTS,
  'public.pair': PAIR,
  'public."Nested"': [
    '(,,,)', '("(1,""a,b"")","with space","{NULL,""NULL""}",1.500)', '("(,"""")","",{},NaN)',
    '("(,)","double""quote","{""\\\\"""",""{}""}",-0.001)',
  ],
  'text[]': ARRAY_OF_TEXTS,
  'integer[]': [...NUMBER_ARRAYS, '{-2147483648}'],
  'bigint[]': [...NUMBER_ARRAYS, '{9007199254740993,-9223372036854775808}'],
  'numeric[]': [...NUMBER_ARRAYS, '{1.50,1.5,NaN,Infinity,-Infinity,0.1}', '{12345678901234567890.12345}'],
  'double precision[]': [...NUMBER_ARRAYS, '{NaN,-0,Infinity,5e-324,0.1}'],
  'boolean[]': ['{}', '{t,f,NULL}', '{{t},{f}}'],
  'character varying(10)[]': ['{}', '{"","a b",NULL,"1234567890"}'],
  'bytea[]': ['{}', '{"\\\\x","\\\\x00ff",NULL}'],
  'timestamp(3) without time zone[]': ['{}', '{infinity,"0044-03-15 12:00:00.001 BC",NULL}'],
  'jsonb[]': ['{}', '{null,NULL,"{\\"a\\": \\"b,c\\"}","\\"\\""}'],
  'uuid[]': ['{}', '{00000000-0000-0000-0000-000000000000,NULL}'],
  'box[]': ['{}', '{(1,1),(0,0);(3,3),(2,2)}', '{NULL;(1,1),(0,0)}'],
  'public."Mood, ""odd"" 😀"[]': [
    '{}', '{"","with space","comma,","double\\"quote","back\\\\slash","NULL",NULL,"{brace}",plain}',
  ],
  'public.pair[]': ['{}', '{"(,)",NULL,"(1,\\"a,\\"\\"b\\"\\"\\")"}'],
  'public.positive[]': ['{}', '{1,NULL,2}'],
  'int4range[]': ['{}', '{empty,"[1,2)",NULL,"(,)"}'],
  'public.hstore[]': ['{}', '{"\\"a\\"=>NULL",""}'],
}
