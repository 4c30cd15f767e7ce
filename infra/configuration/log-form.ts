/** How what is told on standard error is written. `auto`: JSON where no terminal reads what runs for long. */
export const LOG_FORMS = ['auto', 'json', 'text'] as const

export type LogForm = (typeof LOG_FORMS)[number]

/** Anything else counts as `auto` until the configuration is judged, which then refuses it. */
export function logFormOf(text: string | undefined): LogForm {
  return LOG_FORMS.find((form) => form === text) ?? 'auto'
}
