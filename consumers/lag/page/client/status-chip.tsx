import { unreachable } from '../../../../contracts/failure.ts'
import type { Tone, Verdict } from '../../verdict.ts'

/** A status in words, with an icon and a colour that say the same. */
export function StatusChip({ tone, text }: Verdict) {
  return (
    <span class={`chip ${tone}`}>
      <StatusIcon tone={tone} />
      {text}
    </span>
  )
}

/** Shapes differ as the colours do. */
export function StatusIcon({ tone }: { readonly tone: Tone }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={pathOf(tone)} />
    </svg>
  )
}

function pathOf(tone: Tone): string {
  switch (tone) {
    case 'calm':
      return 'M3 8.5 6.5 12 13 4.5'
    case 'busy':
      return 'M8 2.5v8M4.5 7.5 8 11l3.5-3.5M3 13.5h10'
    case 'warning':
      return 'M8 2 14.5 13.5h-13ZM8 6.5v3M8 11.5v.2'
    case 'bad':
      return 'M5.2 2h5.6L14 5.2v5.6L10.8 14H5.2L2 10.8V5.2ZM5.8 5.8l4.4 4.4M10.2 5.8 5.8 10.2'
    case 'parked':
      return 'M5.5 3v10M10.5 3v10'
    case 'unknown':
      return 'M5.5 6a2.5 2.5 0 1 1 3.6 2.2C8.4 8.600 8 9 8 10M8 12.800v.2'
    default:
      return unreachable(tone)
  }
}
