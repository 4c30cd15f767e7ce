const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const
const UNIT_STEP = 1000

const COUNT = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** A size in decimal units, three digits at most before the unit: `1.2 kB`, `104 MB`. */
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

/** `1,234,567` */
export function countText(count: number): string {
  return COUNT.format(count)
}

const SHORT_COUNT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })

/** `999`, `12.3K`, `4.5M` */
export function shortCount(count: number): string {
  return SHORT_COUNT.format(count)
}

/** A noun with its count; the plural is regular unless it is given. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${countText(count)} ${count === 1 ? noun : plural}`
}

/** Bytes a second as `18 MB/s`; empty where no time has passed to tell it by. */
export function rateText(bytes: number, seconds: number): string {
  return seconds > 0 && bytes > 0 ? `${bytesText(bytes / seconds)}/s` : ''
}

/** How long something took: `0.4 s`, `12.3 s`, `4 min 05 s`, `2 h 10 min`. */
export function durationText(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`
  const minutes = Math.floor(Math.round(seconds) / 60)
  if (minutes < 60) return `${minutes} min ${twoDigits(Math.round(seconds) % 60)} s`
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`
}

/** What is left, as a clock shows it: `0:09`, `12:30`, `3:07:00`. */
export function clockText(seconds: number): string {
  const whole = Math.ceil(seconds)
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)]
  const tail = twoDigits(whole % 60)
  return hours > 0 ? `${hours}:${twoDigits(minutes)}:${tail}` : `${minutes}:${tail}`
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0')
}

/** Seconds that are left at the pace so far; null where nothing tells it. */
export function secondsLeft(done: number, expected: number | null, seconds: number): number | null {
  if (expected === null || done <= 0 || seconds <= 0) return null
  return done >= expected ? 0 : ((expected - done) * seconds) / done
}
