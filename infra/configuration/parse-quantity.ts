const DURATION_UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Reads `500ms`, `90s`, `15m` or `2h`; null for anything else. The result is in milliseconds. */
export function parseDuration(text: string): number | null {
  const [, number, unit] = /^(\d{1,6})(ms|s|m|h)$/.exec(text) ?? []
  const unitMs = DURATION_UNITS_MS[unit ?? '']
  return number === undefined || unitMs === undefined ? null : Number(number) * unitMs
}

const BYTE_UNITS: Readonly<Record<string, number>> = { kB: 1e3, MB: 1e6, GB: 1e9 }

/** Reads `500kB`, `20MB` or `1GB`, in decimal units as they are printed; null for anything else. */
export function parseBytes(text: string): number | null {
  const [, number, unit] = /^(\d{1,6})(kB|MB|GB)$/.exec(text) ?? []
  const unitBytes = BYTE_UNITS[unit ?? '']
  return number === undefined || unitBytes === undefined || Number(number) === 0 ? null : Number(number) * unitBytes
}
