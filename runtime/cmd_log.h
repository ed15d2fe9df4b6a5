/* cmd_log.h - the commands behind `mmsb log`. argv[0]: the last word of the command. */
#ifndef MMSB_CMD_LOG_H
#define MMSB_CMD_LOG_H

int cmd_log_repair(int argc, char **argv);
int cmd_log_compact(int argc, char **argv);

#endif
