/** ArchiModeler's contract set, by a path of its own like the other scenarios'. */
export { default } from '../../contracts/archimodeler/contract-set.ts'
