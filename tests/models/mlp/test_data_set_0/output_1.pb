BprobabilitiesJR¦Ó=•o
??7¶>