BprobabilitiesJ
å»=ßÎ>pw?