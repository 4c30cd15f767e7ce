import { joined, type Layout, NEW_LINE, printLayout } from './layout.ts'
import { objectSource, stringSource } from './source-text.ts'

/** As wide as this project's own lines. */
export const LINE_WIDTH = 120

/** A module: its imports, and its statements apart from each other. */
export function moduleText(imports: readonly Layout[], statements: readonly Layout[]): string {
  const blocks = [joined(imports, NEW_LINE), ...statements]
  return `${printLayout(joined(blocks, [NEW_LINE, NEW_LINE]), LINE_WIDTH)}\n`
}

/** @param module its address, as it stands in the importing module. */
export function importLine(names: readonly string[], module: string): Layout {
  return ['import ', objectSource(names.map((name) => ({ name, value: null }))), ` from ${stringSource(module)}`]
}
