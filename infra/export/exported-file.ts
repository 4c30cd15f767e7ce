/** A file of an export: its path in the export's folder, with `/` between folders, and its text. */
export interface ExportedFile {
  readonly path: string
  readonly text: string
}

export function jsonFile(path: string, value: object): ExportedFile {
  return { path, text: `${JSON.stringify(value, null, 2)}\n` }
}
