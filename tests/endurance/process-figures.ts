import { readdirSync } from 'node:fs'
import { readResidentBytes } from '../bench/process-table.ts'

/** What a process holds at the moment. Manual: proc(5). */
export interface ProcessFigures {
  readonly residentBytes: number
  /** Open files, sockets and pipes. */
  readonly handles: number
}

export function readFigures(pid: number): ProcessFigures {
  return { residentBytes: readResidentBytes(pid), handles: readdirSync(`/proc/${pid}/fd`).length }
}
