2
versicolorBoutput_label