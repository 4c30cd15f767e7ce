import type { BackupEvent, BackupPhase, Progress } from '../backup/events.ts'
import { unreachable } from '../../contracts/failure.ts'
import type { Output } from './output.ts'
import { bytesText, counted, countText } from './quantities.ts'
import { stepText } from './steps.ts'
import { progressDisplay, type World } from './terminal.ts'

/** Shows what a backup reports, on standard error: a line for each part, with its time. */
export interface BackupProgress {
  report(event: BackupEvent): void
  /** Takes the line of a part that has not ended off the terminal. */
  end(): void
}

/** Often enough to look alive. */
const REDRAW_MS = 100

interface OpenPart {
  readonly name: BackupPhase
  readonly beganAtMs: number
}

/** On a terminal a part's line is there from its beginning, and changes; elsewhere its end alone is written. */
export function openBackupProgress(world: World, output: Output, now = Date.now): BackupProgress {
  const { stderr } = world
  const display = progressDisplay(world, output)
  let part: OpenPart | null = null
  let drawnAtMs = 0
  const erase = (): void => {
    if (display.isTerminal && part !== null) stderr.write('\r\u001b[K')
  }
  const draw = (detail: string): void => {
    if (part === null || !display.isTerminal) return
    drawnAtMs = now()
    erase()
    stderr.write(stepText({ name: part.name, detail, seconds: null }, display))
  }
  const close = (detail: string): void => {
    if (part === null) return
    const seconds = (now() - part.beganAtMs) / 1000
    erase()
    output.note(stepText({ name: part.name, detail, seconds }, display))
    part = null
  }
  return {
    report: (event) => {
      switch (event.type) {
        case 'phase-begun':
          part = { name: event.phase, beganAtMs: now() }
          return draw('…')
        case 'phase-moved':
          return now() - drawnAtMs < REDRAW_MS ? undefined : draw(progressText(event.progress))
        case 'phase-ended':
          return close([progressText(event.progress), event.about].filter((text) => text !== '').join(', '))
        case 'notice':
          erase()
          return output.note(event.text)
        default:
          return unreachable(event)
      }
    },
    end: () => {
      erase()
      part = null
    },
  }
}

/** For example `12 of 31 tables, 4,711 rows, 104 MB`. */
export function progressText({ tables, ofTables, rows, files, bytes }: Progress): string {
  return [
    ...(tables === null ? [] : [tablesText(tables, ofTables)]),
    ...(rows === null ? [] : [counted(rows, 'row')]),
    ...(files === null ? [] : [counted(files, 'file')]),
    ...(bytes === null ? [] : [bytesText(bytes)]),
  ].join(', ')
}

function tablesText(tables: number, ofTables: number | null): string {
  return ofTables === null ? counted(tables, 'table') : `${countText(tables)} of ${counted(ofTables, 'table')}`
}
