const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const
const UNIT_STEP = 1000

/** A size in decimal units: `1.2 kB`, `104 MB`. */
export function bytesText(bytes: number): string {
  let value = Math.round(bytes)
  let power = 0
  // Compared as it will be shown: 999,999 bytes are not 1000 kB.
  while (roundedTo3(value) >= UNIT_STEP && power < UNITS.length - 1) {
    value /= UNIT_STEP
    power += 1
  }
  const shown = roundedTo3(value)
  return `${power > 0 && shown < 10 ? shown.toFixed(1) : shown} ${UNITS[power]}`
}

function roundedTo3(value: number): number {
  return value < 10 ? Math.round(value * 10) / 10 : Math.round(value)
}

const COUNT = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const SHORT_COUNT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })

/** `1,234,567` */
export function countText(count: number): string {
  return COUNT.format(count)
}

/** `0/s`, `0.4/s`, `12 rows/s`, `12.3K rows/s` */
export function rateText(perSecond: number, noun = ''): string {
  const unit = noun === '' ? '/s' : ` ${noun}/s`
  if (perSecond > 0 && perSecond < 0.05) return `< 0.1${unit}`
  const rounded = Math.round(perSecond * 10) / 10
  return `${rounded < 10 ? rounded : SHORT_COUNT.format(Math.round(perSecond))}${unit}`
}

/** How long: `0.4 s`, `12 s`, `4 min 05 s`, `2 h 10 min`, `3 d 04 h`. */
export function durationText(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes} min ${twoDigits(whole % 60)} s`
  const hours = Math.floor(minutes / 60)
  return hours < 24
    ? `${hours} h ${twoDigits(minutes % 60)} min`
    : `${Math.floor(hours / 24)} d ${twoDigits(hours % 24)} h`
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0')
}

const NUMBER_WORDS = [
  'no',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
]

/** Small numbers in words, as in a sentence: `three`, `13`. */
export function numberWord(count: number): string {
  return NUMBER_WORDS[count] ?? countText(count)
}

/** A noun with its count; the plural is regular unless it is given. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${countText(count)} ${count === 1 ? noun : plural}`
}

/** An estimate may be too small, and statistics older than what is there: what goes on is never shown as done. */
const MOST_UNDONE = 0.99

/** Of what is still being loaded, from 0 to 0.99; null where the whole is not known. */
export function loadingShareOf(done: number, expected: number | null): number | null {
  if (expected === null) return null
  return expected <= 0 ? 0 : Math.min(MOST_UNDONE, Math.max(0, done / expected))
}

/** Of one table, whose rows may all be there while others are loaded. */
export function shareOfTable(rows: number, expectedRows: number | null, isEstimate: boolean): number | null {
  const isWhole = expectedRows !== null && (rows === expectedRows || (!isEstimate && rows > expectedRows))
  return isWhole ? 1 : loadingShareOf(rows, expectedRows)
}

/** Nothing is complete before it is: 99.96 % is shown as 99.9 %. */
export function percentText(share: number): string {
  return `${(Math.floor(share * 1_000) / 10).toFixed(share >= 1 ? 0 : 1)} %`
}

/** The time of day of a moment, where the reader is: `14:03:09`. */
export function clockText(atMs: number): string {
  const at = new Date(atMs)
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(':')
}
