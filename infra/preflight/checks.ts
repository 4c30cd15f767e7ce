import { nothingIsPrepared, transactionsAreShort } from './check-activity.ts'
import { monitorAnswers, serverHasRoom, syncIsKnown } from './check-broker.ts'
import { columnsTravel } from './check-columns.ts'
import {
  accountHasRoom,
  payloadIsLargeEnough,
  replicasArePossible,
  streamsAreSafe,
  subjectsAreFree,
} from './check-log.ts'
import {
  monolithMatchesContract,
  rowsAreVisible,
  tablesAreClaimed,
  tablesAreOrdinary,
} from './check-monolith-tables.ts'
import { foreignKeysCanBePassedOver } from './check-passing-over.ts'
import {
  monolithCanBePrepared,
  monolithCanBeRead,
  roleMayReplicate,
  servicesCanBePrepared,
} from './check-privileges.ts'
import {
  identitiesServe,
  prefixIsOurs,
  publicationIsOurs,
  slotIsFree,
  slotNameIsOurs,
  slotWalIsBounded,
  walLevelIsLogical,
  walSenderIsFree,
} from './check-replication.ts'
import { collationsAgree, databasesAreSeparate, encodingsAreUtf8, serversTakeWrites } from './check-servers.ts'
import {
  databasesAreOurs,
  loadedTablesExist,
  serviceTablesMatchContract,
  serviceTypesMatchContract,
  tablesAreEmpty,
} from './check-service-databases.ts'
import type { Check } from './context.ts'

/** Every check, in the order in which their findings are shown. */
export const CHECKS: readonly Check[] = [
  serversTakeWrites,
  encodingsAreUtf8,
  collationsAgree,
  databasesAreSeparate,
  walLevelIsLogical,
  slotIsFree,
  walSenderIsFree,
  slotWalIsBounded,
  nothingIsPrepared,
  transactionsAreShort,
  slotNameIsOurs,
  publicationIsOurs,
  prefixIsOurs,
  roleMayReplicate,
  monolithCanBeRead,
  monolithCanBePrepared,
  servicesCanBePrepared,
  foreignKeysCanBePassedOver,
  tablesAreClaimed,
  monolithMatchesContract,
  tablesAreOrdinary,
  rowsAreVisible,
  identitiesServe,
  columnsTravel,
  databasesAreOurs,
  loadedTablesExist,
  tablesAreEmpty,
  serviceTypesMatchContract,
  serviceTablesMatchContract,
  payloadIsLargeEnough,
  streamsAreSafe,
  subjectsAreFree,
  replicasArePossible,
  accountHasRoom,
  monitorAnswers,
  serverHasRoom,
  syncIsKnown,
]
