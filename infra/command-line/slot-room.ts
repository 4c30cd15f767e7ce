import { bytesText } from './quantities.ts'

/** How long a slot may go on to keep WAL, for the end of a sentence. Manual: "pg_replication_slots", safe_wal_size. */
export function slotRoomText(safeBytes: number | null): string {
  if (safeBytes === null) return 'nothing limits that (max_slot_wal_keep_size)'
  return safeBytes > 0 ? `${bytesText(safeBytes)} more and it is given up` : 'it is given up at the next checkpoint'
}
